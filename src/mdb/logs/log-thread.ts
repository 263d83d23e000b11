import { Worker } from "node:worker_threads";
import { questionsTo } from "../thread-questions.ts";
import type { LogRequest, LogThreadData } from "./request.ts";

/** Asks the thread of the logs; rejects if it failed or is gone. */
export type AskLogs = (request: LogRequest) => Promise<string>;

/** The thread that writes the machines' lines, because waiting for a disk would delay packets. */
export function openLogThread(data: LogThreadData): { readonly ask: AskLogs } & AsyncDisposable {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData: data });
  const thread = questionsTo(worker, {
    failed: `the thread of the logs in ${data.directory} failed`,
    ended: `the logs in ${data.directory} are closed`,
  });
  return {
    ask: async (request) => String((await thread.ask(request)) ?? ""),
    [Symbol.asyncDispose]: async () => {
      await worker.terminate();
    },
  };
}
