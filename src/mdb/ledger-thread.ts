import { Worker } from "node:worker_threads";
import type { Machine } from "../core/machine/record.ts";
import type { PastChange } from "../core/ports.ts";
import type { Lesson } from "../core/pxe/local-boot-lesson.ts";
import type { Ledger } from "./ledger.ts";
import { type LedgerRow, rowsOf } from "./ledger-rows.ts";

/** What the thread is asked; each is answered once, in order. */
export type LedgerRequest =
  | { readonly kind: "load" }
  | { readonly kind: "commit"; readonly rows: readonly LedgerRow[] }
  | { readonly kind: "history"; readonly id: string; readonly limit: number }
  | { readonly kind: "loadLessons" }
  | { readonly kind: "saveLesson"; readonly lesson: Lesson }
  | { readonly kind: "close" };

/** Its answer. The first one, unasked, says whether the database could be opened. */
export type LedgerAnswer =
  | { readonly kind: "done"; readonly value?: unknown }
  | { readonly kind: "failed"; readonly error: unknown };

type Waiting = { readonly resolve: (value: unknown) => void; readonly reject: (cause: unknown) => void };

/**
 * Opens the SQLite ledger of a path in a thread of its own: waiting for the disk (a few milliseconds a transaction)
 * would otherwise stop the packets. Throws as `openSqliteLedger` does.
 */
export async function openLedgerThread(path: string): Promise<Ledger> {
  const worker = new Worker(new URL("./ledger-worker.ts", import.meta.url), { workerData: path });
  const waiting: Waiting[] = [];
  let gone: unknown;

  const next = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      // A thread that nobody waits for must not keep the process alive.
      if (waiting.length === 0) worker.ref();
      waiting.push({ resolve, reject });
    });
  const ask = (request: LedgerRequest): Promise<unknown> => {
    if (gone !== undefined) return Promise.reject(gone);
    const answer = next();
    worker.postMessage(request);
    return answer;
  };
  worker.on("message", (answer: LedgerAnswer) => {
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

  return {
    load: async () => (await ask({ kind: "load" })) as Machine[],
    commit: async (entries) => void (await ask({ kind: "commit", rows: rowsOf(entries) })),
    history: async (id, limit) => (await ask({ kind: "history", id, limit })) as PastChange[],
    loadLessons: async () => (await ask({ kind: "loadLessons" })) as Lesson[],
    saveLesson: async (lesson) => void (await ask({ kind: "saveLesson", lesson })),
    [Symbol.asyncDispose]: async () => {
      if (gone !== undefined) return;
      await ask({ kind: "close" });
      await worker.terminate();
    },
  };
}
