import { Worker } from "node:worker_threads";
import type { LogReply, LogRequest, LogThreadData } from "./request.ts";

/** Asks the thread of the logs; rejects if it failed or is gone. */
export type AskLogs = (request: LogRequest) => Promise<string>;

/** The thread that writes the machines' lines, because waiting for a disk would delay packets. */
export function openLogThread(data: LogThreadData): { readonly ask: AskLogs } & AsyncDisposable {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData: data });
  const waiting: { readonly resolve: (text: string) => void; readonly reject: (cause: unknown) => void }[] = [];
  let gone: unknown;
  const end = (cause: unknown) => {
    gone ??= cause;
    for (const { reject } of waiting.splice(0)) reject(gone);
  };
  worker.unref();
  worker.on("message", (reply: LogReply) => {
    const first = waiting.shift();
    if (waiting.length === 0) worker.unref();
    if (reply.kind === "done") first?.resolve(reply.text ?? "");
    else first?.reject(reply.error);
  });
  worker.on("error", (cause) => end(new Error(`the thread of the logs in ${data.directory} failed`, { cause })));
  worker.on("exit", () => end(new Error(`the logs in ${data.directory} are closed`)));
  return {
    ask: (request) =>
      new Promise((resolve, reject) => {
        if (gone !== undefined) return reject(gone);
        // An idle thread must not keep the process alive.
        if (waiting.length === 0) worker.ref();
        waiting.push({ resolve, reject });
        worker.postMessage(request);
      }),
    [Symbol.asyncDispose]: async () => {
      await worker.terminate();
    },
  };
}
