/** The thread in which SQLite lives; ledger-thread.ts speaks with it. */
import { parentPort, workerData } from "node:worker_threads";
import type { MachineId } from "../../core/machine/record.ts";
import { openSqliteJournal, type SqliteJournal } from "./journal.ts";
import type { JournalAnswer, JournalRequest } from "./thread.ts";

const port = parentPort;
if (port === null) throw new Error("ledger-worker.ts is a thread of ledger-thread.ts, not a program");
const answer = (say: JournalAnswer): void => port.postMessage(say);

function runStep(journal: SqliteJournal, request: JournalRequest): unknown {
  switch (request.kind) {
    case "position":
      return journal.position();
    case "machinesAfter":
      return journal.machinesAfter(request);
    case "documents":
      return journal.documents();
    case "commit":
      return journal.commit(request.since, request.batch);
    case "remoteChangesSince":
      return journal.remoteChangesSince(request.position);
    case "changesSince":
      return journal.changesSince(request.position, request.limit);
    case "history":
      return journal.history(request.id as MachineId, request.limit);
    case "audit":
      return journal.audit(request.query);
    case "backup":
      return journal.backup(request.path);
    case "close":
      return journal.close();
  }
}

try {
  const journal = openSqliteJournal(String(workerData));
  port.on("message", (request: JournalRequest) => {
    try {
      answer({ kind: "done", value: runStep(journal, request) });
    } catch (error) {
      answer({ kind: "failed", error });
    }
  });
  answer({ kind: "done" });
} catch (error) {
  answer({ kind: "failed", error });
}
