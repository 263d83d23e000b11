import type { MachineId } from "../../core/machine/record.ts";
import type { Store } from "../../core/ports.ts";
import type { SqliteBatch } from "./batch.ts";
import type { SqliteJournal } from "./journal.ts";

/** Requests to a SQLite database; each is answered once, in order. */
export type JournalRequest =
  | { readonly kind: "position" }
  | { readonly kind: "machinesAfter"; readonly id: string; readonly limit: number }
  | { readonly kind: "documents" }
  | { readonly kind: "commit"; readonly since: number; readonly batch: SqliteBatch }
  | { readonly kind: "remoteChangesSince"; readonly position: number }
  | { readonly kind: "changesSince"; readonly position: number; readonly limit: number }
  | { readonly kind: "history"; readonly id: string; readonly beforePosition: number; readonly limit: number }
  | { readonly kind: "audit"; readonly query: Parameters<Store["audit"]>[0] }
  | { readonly kind: "backup"; readonly path: string }
  | { readonly kind: "close" };

/** Carries out a request to a SQLite database and returns its answer. Throws SQLite's errors. */
export function answerRequest(journal: SqliteJournal, request: JournalRequest): unknown {
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
      return journal.history(request.id as MachineId, request);
    case "audit":
      return journal.audit(request.query);
    case "backup":
      return journal.backup(request.path);
    case "close":
      return journal.close();
  }
}
