import type { Log, UnreadableDocument } from "../../core/ports.ts";
import type { DocumentChange } from "../journal/journal.ts";

/** What is wrong with a document that cannot be read, and what to do. */
export function refuseUnreadableDocument({ kind, key, fault }: UnreadableDocument): string {
  return (
    `the document ${kind} ${JSON.stringify(key)} in the MDB is invalid: ${fault}; if a newer server wrote it, update this server; ` +
    "otherwise restore a backup (birther mdb restore)"
  );
}

/** Logs each of these documents that cannot be read; the server goes on as if it were not there. */
export function logUnreadableDocuments(documents: readonly DocumentChange[], log: Log): void {
  for (const { kind, key, fault } of documents)
    if (fault !== undefined) log("error", refuseUnreadableDocument({ kind, key, fault }), { kind, key });
}
