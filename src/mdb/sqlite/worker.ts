/** The thread that runs SQLite; thread.ts talks to it. */
import { parentPort, workerData } from "node:worker_threads";
import type { ThreadAnswer } from "../thread-questions.ts";
import { openSqliteJournal } from "./journal.ts";
import { answerRequest, type JournalRequest } from "./request.ts";

const port = parentPort;
if (port === null) throw new Error("worker.ts is a thread of thread.ts, not a program");
const answer = (say: ThreadAnswer): void => port.postMessage(say);

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
