/** The thread that runs SQLite; thread.ts talks to it. */
import { parentPort, workerData } from "node:worker_threads";
import { openSqliteJournal } from "./journal.ts";
import { answerRequest, type JournalRequest } from "./request.ts";
import type { JournalAnswer } from "./thread.ts";

const port = parentPort;
if (port === null) throw new Error("worker.ts is a thread of thread.ts, not a program");
const answer = (say: JournalAnswer): void => port.postMessage(say);

try {
  const journal = openSqliteJournal(String(workerData));
  port.on("message", (request: JournalRequest) => {
    try {
      answer({ kind: "done", value: answerRequest(journal, request) });
    } catch (error) {
      answer({ kind: "failed", error });
    }
  });
  answer({ kind: "done" });
} catch (error) {
  answer({ kind: "failed", error });
}
