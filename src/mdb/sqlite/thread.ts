import { Worker } from "node:worker_threads";
import type { Journal } from "../journal/journal.ts";
import { type Ask, journalOver } from "./journal-over.ts";
import type { JournalRequest } from "./request.ts";

/** An answer of the thread. The first one, without a request, says whether the database could be opened. */
export type JournalAnswer =
  | { readonly kind: "done"; readonly value?: unknown }
  | { readonly kind: "failed"; readonly error: unknown };

type Waiting = { readonly resolve: (value: unknown) => void; readonly reject: (cause: unknown) => void };

/**
 * Opens the SQLite journal of a path in a thread of its own, because waiting for the disk (a few milliseconds per
 * transaction) would delay packets. Throws as `openSqliteJournal` does.
 */
export async function openJournalThread(path: string): Promise<Journal> {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData: path });
  const waiting: Waiting[] = [];
  let gone: unknown;

  const next = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      // An idle thread must not keep the process alive.
      if (waiting.length === 0) worker.ref();
      waiting.push({ resolve, reject });
    });
  const ask: Ask = async <T>(request: JournalRequest) => {
    if (gone !== undefined) throw gone;
    const answer = next();
    worker.postMessage(request);
    return (await answer) as T;
  };
  worker.on("message", (answer: JournalAnswer) => {
    const first = waiting.shift();
    if (waiting.length === 0) worker.unref();
    if (answer.kind === "done") first?.resolve(answer.value);
    else first?.reject(answer.error);
  });
  const end = (cause: unknown): void => {
    gone ??= cause;
    for (const { reject } of waiting.splice(0)) reject(gone);
  };
  worker.on("error", (cause) => end(new Error(`the thread of the machine database ${path} failed`, { cause })));
  worker.on("exit", () => end(new Error(`the machine database ${path} is closed`)));
  await next();
  return journalOver(ask, async () => {
    if (gone !== undefined) return;
    await ask({ kind: "close" });
    await worker.terminate();
  });
}
