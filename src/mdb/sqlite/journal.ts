import { execFileSync } from "node:child_process";
import { chmodSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import type { MachineId } from "../../core/machine/record.ts";
import type { AuditEntry, PastChange } from "../../core/ports.ts";
import {
  type AuditRow,
  auditPageLimit,
  type ChangeRow,
  type DocumentChange,
  feedLimit,
  feedPageLimit,
  historyLimit,
  isConflict,
  type RemoteChanges,
  readAudit,
  readChange,
  readDocument,
} from "../journal/journal.ts";
import { readMachines } from "../journal/read-machine.ts";
import { batchWriter, type SqliteBatch } from "./batch.ts";
import { openSqliteDatabase, whatToDo } from "./database.ts";

export type Committed =
  | { readonly kind: "written" | "behind" }
  | { readonly kind: "conflict"; readonly cause: unknown };

/** A journal in SQLite, whose calls block; it runs in a thread of its own (thread.ts). */
export type SqliteJournal = {
  readonly position: () => number;
  /**
   * The records with ids after this one, as JSON text, in pages: parsing a large fleet at once would need its memory
   * twice.
   */
  readonly machinesAfter: (page: {
    readonly id: string;
    readonly limit: number;
  }) => { readonly id: string; readonly document: string }[];
  readonly documents: () => DocumentChange[];
  /** Writes nothing, and reports it, when the database is not at the position that the rows were decided on. */
  readonly commit: (since: number, batch: SqliteBatch) => Committed;
  /** Undefined when the changes since are no longer known. */
  readonly remoteChangesSince: (position: number) => RemoteChanges | undefined;
  readonly changesSince: (
    position: number,
    limit: number,
  ) => { kind: "changes"; changes: PastChange[] } | { kind: "tooOld"; oldest: number };
  readonly history: (id: MachineId, limit: number) => PastChange[];
  readonly audit: (query: { subject?: string; beforePosition?: number; limit: number }) => AuditEntry[];
  /** Writes wait while the file is copied. */
  readonly backup: (copy: string) => void;
  readonly close: () => void;
};

/**
 * A journal in one SQLite file, or in memory (`:memory:`). The file belongs to one process: a second server on it is
 * refused. Throws an error that names the file if it is not a Birther database, and leaves the file unchanged.
 */
export function openSqliteJournal(path: string): SqliteJournal {
  const database = openSqliteDatabase(path);
  const write = batchWriter(database);
  const feed = database.prepare("SELECT position, oldest FROM feed");
  const read = {
    machines: database.prepare("SELECT id, document FROM machines WHERE id > ?1 ORDER BY id LIMIT ?2"),
    machine: database.prepare("SELECT id, document FROM machines WHERE id = ?1"),
    documents: database.prepare(
      "SELECT kind, key, document, position FROM documents WHERE position > ?1 ORDER BY kind, key",
    ),
    changes: database.prepare("SELECT * FROM changes WHERE position > ?1 ORDER BY position LIMIT ?2"),
    history: database.prepare("SELECT * FROM changes WHERE machine_id = ?1 ORDER BY position DESC LIMIT ?2"),
    audit: database.prepare("SELECT * FROM audit WHERE position < ?1 ORDER BY position DESC LIMIT ?2"),
    auditOf: database.prepare(
      "SELECT * FROM audit WHERE subject = ?3 AND position < ?1 ORDER BY position DESC LIMIT ?2",
    ),
  };
  const at = () => {
    const row = feed.get();
    return { position: Number(row?.position), oldest: Number(row?.oldest) };
  };
  const changesAfter = (position: number, limit: number) =>
    read.changes.all(position, limit).map((row) => readChange(row as ChangeRow));
  const documentsAfter = (position: number) =>
    read.documents.all(position).map((row) => readDocument(row as Parameters<typeof readDocument>[0]));

  return {
    position: () => at().position,
    machinesAfter: ({ id, limit }) => {
      try {
        return read.machines.all(id, limit).map(textRow);
      } catch (cause) {
        throw new Error(`reading the machine database ${path} failed: ${whatToDo(cause)}`, { cause });
      }
    },
    documents: () => documentsAfter(-1),

    commit: (since, batch) => {
      database.exec("BEGIN IMMEDIATE");
      try {
        const behind = at().position !== since;
        if (!behind) write(since, batch);
        database.exec(behind ? "ROLLBACK" : "COMMIT");
        return { kind: behind ? "behind" : "written" };
      } catch (cause) {
        if (database.isTransaction) database.exec("ROLLBACK");
        if (isConflict(cause) || isConstraint(cause)) return { kind: "conflict", cause };
        throw new Error(`${batch.count} changes could not be written to ${path}: ${whatToDo(cause)}`, { cause });
      }
    },

    remoteChangesSince: (since) => {
      const { position, oldest } = at();
      if (since > position || since < oldest - 1 || position - since > feedLimit) return undefined;
      const changes = changesAfter(since, feedLimit);
      const ids = [...new Set(changes.map(({ machine }) => machine.id))];
      const rows = ids.flatMap((id) => read.machine.all(id).map(textRow));
      return { kind: "changes", position, changes, ...readMachines(rows), documents: documentsAfter(since) };
    },

    changesSince: (since, limit) => {
      const { position, oldest } = at();
      if (since > position || since < oldest - 1) return { kind: "tooOld", oldest };
      return { kind: "changes", changes: changesAfter(since, Math.min(limit, feedPageLimit)) };
    },

    history: (id, limit) =>
      read.history
        .all(id, Math.min(limit, historyLimit))
        .map((row) => readChange(row as ChangeRow))
        .reverse(),

    audit: ({ subject, beforePosition = Number.MAX_SAFE_INTEGER, limit }) => {
      const page = [beforePosition, Math.min(limit, auditPageLimit)] as const;
      const rows = subject === undefined ? read.audit.all(...page) : read.auditOf.all(...page, subject);
      return rows.map((row) => readAudit(row as AuditRow));
    },

    backup: (copy) => {
      try {
        if (path === ":memory:") database.prepare("VACUUM INTO ?").run(copy);
        else copyFile(database, path, copy);
      } catch (cause) {
        throw new Error(`copying the machine database ${path} to ${copy} failed`, { cause });
      }
    },

    close: () => database.close(),
  };
}

/**
 * Copies the file of a database while nobody writes to it. Not by Node's `backup`, which sometimes fails when the same
 * connection writes between its steps (Node 24.21). Another process copies, because closing a file of the database here
 * would release our locks on it (sqlite.org/howtocorrupt.html, 2.2).
 */
function copyFile(database: DatabaseSync, path: string, copy: string): void {
  const checkpoint = database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get();
  if (Number(checkpoint?.busy) !== 0) throw new Error("the checkpoint of its write-ahead log is incomplete");
  execFileSync("cp", ["--reflink=auto", "--", path, copy], { stdio: ["ignore", "ignore", "pipe"] });
  chmodSync(copy, 0o600);
}

/** SQLITE_CONSTRAINT: a key or a claim is taken (sqlite.org/rescode.html#constraint). */
function isConstraint(cause: unknown): boolean {
  return cause instanceof Error && "errcode" in cause && (Number(cause.errcode) & 0xff) === 19;
}

function textRow(row: { readonly id?: unknown; readonly document?: unknown }) {
  return { id: String(row.id), document: String(row.document) };
}
