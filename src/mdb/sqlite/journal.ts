import { execFileSync } from "node:child_process";
import { chmodSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import type { PastChange } from "../../core/ports.ts";
import { feedLimit, feedPageLimit, isConflict, type RemoteChanges } from "../journal/journal.ts";
import { type MachineText, readMachines } from "../journal/read-machine.ts";
import { batchWriter, type SqliteBatch } from "./batch.ts";
import { openSqliteDatabase, whatToDo } from "./database.ts";
import { prepareReads, type SqliteReads } from "./reads.ts";

export type Committed =
  | { readonly kind: "written" | "behind" }
  | { readonly kind: "conflict"; readonly cause: unknown };

/** A journal in SQLite, whose calls block; it runs in a thread of its own (thread.ts). */
export type SqliteJournal = Pick<SqliteReads, "history" | "audit"> & {
  readonly position: () => number;
  /**
   * The records with ids after this one, in pages: parsing a large fleet at once would need its memory twice.
   */
  readonly machinesAfter: (page: { readonly id: string; readonly limit: number }) => MachineText[];
  readonly documents: () => ReturnType<SqliteReads["documentsAfter"]>;
  /** Writes nothing, and reports it, when the database is not at the position that the rows were decided on. */
  readonly commit: (since: number, batch: SqliteBatch) => Committed;
  /** Undefined when the changes since are no longer known. */
  readonly remoteChangesSince: (position: number) => RemoteChanges | undefined;
  readonly changesSince: (
    position: number,
    limit: number,
  ) => { kind: "changes"; changes: PastChange[] } | { kind: "tooOld"; oldest: number };
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
  const reads = prepareReads(database);
  return {
    position: () => reads.feed().position,
    machinesAfter: ({ id, limit }) => {
      try {
        return reads.machinesAfter(id, limit);
      } catch (cause) {
        throw new Error(`reading the machine database ${path} failed: ${whatToDo(cause)}`, { cause });
      }
    },
    documents: () => reads.documentsAfter(-1),

    commit: (since, batch) => {
      database.exec("BEGIN IMMEDIATE");
      try {
        const behind = reads.feed().position !== since;
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
      const { position, oldest } = reads.feed();
      if (since > position || since < oldest - 1 || position - since > feedLimit) return undefined;
      const changes = reads.changesAfter(since, feedLimit);
      const rows = [...new Set(changes.map(({ machine }) => machine.id))].flatMap(reads.machine);
      return { kind: "changes", position, changes, ...readMachines(rows), documents: reads.documentsAfter(since) };
    },

    changesSince: (since, limit) => {
      const { position, oldest } = reads.feed();
      if (since > position || since < oldest - 1) return { kind: "tooOld", oldest };
      return { kind: "changes", changes: reads.changesAfter(since, Math.min(limit, feedPageLimit)) };
    },

    history: reads.history,
    audit: reads.audit,

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
