import type { DatabaseSync } from "node:sqlite";
import type { MachineId } from "../../core/machine/record.ts";
import type { AuditEntry, PastChange, Store } from "../../core/ports.ts";
import { type AuditRow, auditPageLimit, type DocumentChange, historyLimit, readAudit } from "../journal/journal.ts";
import { type ChangeRow, readChange } from "../journal/read-change.ts";
import { type DocumentRow, readDocument } from "../journal/read-document.ts";
import type { MachineText } from "../journal/read-machine.ts";
import { boundedRecord } from "../journal/rows.ts";

/** The reads of a database, as prepared statements. */
export type SqliteReads = {
  /** The position of the last change, and of the oldest change that is kept. */
  readonly feed: () => { readonly position: number; readonly oldest: number };
  readonly machinesAfter: (id: string, limit: number) => MachineText[];
  readonly machine: (id: MachineId) => MachineText[];
  readonly documentsAfter: (position: number) => DocumentChange[];
  readonly changesAfter: (position: number, limit: number) => PastChange[];
  /** The last changes of a machine before a position, newest last. */
  readonly history: (id: MachineId, page: { readonly beforePosition: number; readonly limit: number }) => PastChange[];
  readonly audit: (query: AuditQuery) => AuditEntry[];
};

/** Selects audit entries, newest first. */
export type AuditQuery = Parameters<Store["audit"]>[0];

/** Prepares the reads. */
export function prepareReads(database: DatabaseSync): SqliteReads {
  const feed = database.prepare("SELECT position, oldest FROM feed");
  const machines = database.prepare(`SELECT ${boundedRecord} FROM machines WHERE id > ?1 ORDER BY id LIMIT ?2`);
  const machine = database.prepare(`SELECT ${boundedRecord} FROM machines WHERE id = ?1`);
  const documents = database.prepare(
    "SELECT kind, key, document, position FROM documents WHERE position > ?1 ORDER BY kind, key",
  );
  const changes = database.prepare("SELECT * FROM changes WHERE position > ?1 ORDER BY position LIMIT ?2");
  const history = database.prepare(
    "SELECT * FROM changes WHERE machine_id = ?1 AND position < ?2 ORDER BY position DESC LIMIT ?3",
  );
  const auditWhere = (also: string) =>
    database.prepare(`SELECT * FROM audit WHERE ${also}position < ?1 ORDER BY position DESC LIMIT ?2`);
  const ofRequest = "json_extract(request_json, '$.id')";
  const audit = {
    all: auditWhere(""),
    subject: auditWhere("subject = ?3 AND "),
    request: auditWhere(`${ofRequest} = ?3 AND `),
    both: auditWhere(`${ofRequest} = ?3 AND subject = ?4 AND `),
  };
  return {
    feed: () => {
      const row = feed.get();
      return { position: Number(row?.position), oldest: Number(row?.oldest) };
    },
    machinesAfter: (id, limit) => machines.all(id, limit).map(textRow),
    machine: (id) => machine.all(id).map(textRow),
    documentsAfter: (position) => documents.all(position).map((row) => readDocument(row as DocumentRow)),
    changesAfter: (position, limit) => changes.all(position, limit).map((row) => readChange(row as ChangeRow)),
    history: (id, { beforePosition, limit }) =>
      history
        .all(id, beforePosition, Math.min(limit, historyLimit))
        .map((row) => readChange(row as ChangeRow))
        .reverse(),
    audit: ({ subject, request, beforePosition = Number.MAX_SAFE_INTEGER, limit }) => {
      const page = [beforePosition, Math.min(limit, auditPageLimit)] as const;
      const rows =
        request === undefined
          ? subject === undefined
            ? audit.all.all(...page)
            : audit.subject.all(...page, subject)
          : subject === undefined
            ? audit.request.all(...page, request)
            : audit.both.all(...page, request, subject);
      return rows.map((row) => readAudit(row as AuditRow));
    },
  };
}

function textRow(row: { readonly id?: unknown; readonly document?: unknown }): MachineText {
  return { id: String(row.id), document: String(row.document) };
}
