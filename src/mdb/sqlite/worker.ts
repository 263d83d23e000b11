/** The thread in which SQLite lives; ledger-thread.ts speaks with it. */
import { parentPort, workerData } from "node:worker_threads";
import type { MachineId } from "../../core/machine/record.ts";
import { openSqliteLedger, type SqliteLedger } from "./journal.ts";
import type { LedgerAnswer, LedgerRequest } from "./thread.ts";

const port = parentPort;
if (port === null) throw new Error("ledger-worker.ts is a thread of ledger-thread.ts, not a program");
const answer = (say: LedgerAnswer): void => port.postMessage(say);

function carryOut(ledger: SqliteLedger, request: LedgerRequest): unknown {
  switch (request.kind) {
    case "position":
      return ledger.position();
    case "machinesAfter":
      return ledger.machinesAfter(request);
    case "documents":
      return ledger.documents();
    case "commit":
      return ledger.commit(request.since, request.batch);
    case "newsSince":
      return ledger.newsSince(request.position);
    case "changesSince":
      return ledger.changesSince(request.position, request.limit);
    case "history":
      return ledger.history(request.id as MachineId, request.limit);
    case "audit":
      return ledger.audit(request.query);
    case "backup":
      return ledger.backup(request.path);
    case "close":
      return ledger.close();
  }
}

try {
  const ledger = openSqliteLedger(String(workerData));
  port.on("message", (request: LedgerRequest) => {
    try {
      answer({ kind: "done", value: carryOut(ledger, request) });
    } catch (error) {
      answer({ kind: "failed", error });
    }
  });
  answer({ kind: "done" });
} catch (error) {
  answer({ kind: "failed", error });
}
