import { Worker } from "node:worker_threads";
import type { Journal } from "../journal/journal.ts";
import { questionsTo } from "../thread-questions.ts";
import { type Ask, journalOver } from "./journal-over.ts";
import type { JournalRequest } from "./request.ts";

/**
 * Opens the SQLite journal of a path in a thread of its own, because waiting for the disk (a few milliseconds per
 * transaction) would delay packets. Throws as `openSqliteJournal` does.
 */
export async function openJournalThread(path: string): Promise<Journal> {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData: path });
  const thread = questionsTo(worker, {
    failed: `the thread of the machine database ${path} failed`,
    ended: `the machine database ${path} is closed`,
  });
  const ask: Ask = async <T>(request: JournalRequest) => (await thread.ask(request)) as T;
  // The first answer, without a question, says whether the database could be opened.
  await thread.next();
  return journalOver(ask, async () => {
    if (thread.isGone()) return;
    await ask({ kind: "close" });
    await worker.terminate();
  });
}
