import { chmodSync, existsSync } from "node:fs";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import type { Machine, MachineId } from "../core/machine/record.ts";
import type { PastChange } from "../core/ports.ts";
import type { Lesson } from "../core/pxe/local-boot-lesson.ts";
import { historyLimit } from "./ledger.ts";
import type { LedgerRow } from "./ledger-rows.ts";
import { migrations } from "./migrations.ts";

/** A ledger in SQLite, whose calls block: it lives in a thread of its own (ledger-thread.ts). */
export type SqliteLedger = {
  readonly load: () => Machine[];
  readonly commit: (rows: readonly LedgerRow[]) => void;
  readonly history: (id: MachineId, limit: number) => PastChange[];
  readonly loadLessons: () => Lesson[];
  readonly saveLesson: (lesson: Lesson) => void;
  readonly close: () => void;
};

/**
 * A ledger in one SQLite file, or in memory (`:memory:`). The file belongs to one process: a second server on it is
 * refused. Throws, naming the file, when it is no database of ours; such a file is left as it is.
 */
export function openSqliteLedger(path: string): SqliteLedger {
  const database = open(path);
  const statements = {
    load: database.prepare("SELECT document FROM machines ORDER BY id"),
    save: database.prepare(
      `INSERT INTO machines (id, revision, document) VALUES ($1, $2, $3)
       ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, document = excluded.document`,
    ),
    drop: database.prepare("DELETE FROM machines WHERE id = $1"),
    note: database.prepare(
      `INSERT INTO events (machine_id, revision, at_ms, event, outcome) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (machine_id, revision) DO UPDATE
       SET at_ms = excluded.at_ms, event = excluded.event, outcome = excluded.outcome`,
    ),
    prune: database.prepare("DELETE FROM events WHERE machine_id = $1 AND revision <= $2"),
    history: database.prepare(
      "SELECT at_ms, event, outcome FROM events WHERE machine_id = $1 ORDER BY revision DESC LIMIT $2",
    ),
    loadLessons: database.prepare("SELECT document FROM lessons ORDER BY vendor, product, firmware, client"),
    saveLesson: database.prepare(
      `INSERT INTO lessons (vendor, product, firmware, client, document) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (vendor, product, firmware, client) DO UPDATE SET document = excluded.document`,
    ),
  };

  return {
    load: () => statements.load.all().map((row) => JSON.parse(String(row.document)) as Machine),

    commit: (rows) => {
      database.exec("BEGIN IMMEDIATE");
      try {
        for (const row of rows) write(statements, row);
        database.exec("COMMIT");
      } catch (cause) {
        if (database.isTransaction) database.exec("ROLLBACK");
        throw new Error(`${rows.length} changes could not be written to ${path}`, { cause });
      }
    },

    history: (id, limit) =>
      statements.history
        .all(numbered(id, limit))
        .map(
          (row): PastChange => ({
            atMs: Number(row.at_ms),
            event: JSON.parse(String(row.event)),
            machine: JSON.parse(String(row.outcome)),
          }),
        )
        .reverse(),

    loadLessons: () => statements.loadLessons.all().map((row) => JSON.parse(String(row.document)) as Lesson),

    saveLesson: (lesson) => {
      const { vendor, product, firmware, client } = lesson;
      statements.saveLesson.run(numbered(vendor, product, firmware, client, JSON.stringify(lesson)));
    },

    close: () => database.close(),
  };
}

function write(
  statements: { readonly [name in "save" | "drop" | "note" | "prune"]: StatementSync },
  row: LedgerRow,
): void {
  const { id, revision, atMs, document, event, outcome } = row;
  if (document !== undefined) statements.save.run(numbered(id, revision, document));
  for (const gone of row.absorbed) statements.drop.run(numbered(gone));
  statements.note.run(numbered(id, revision, atMs, event, outcome));
  if (revision % 100 === 0) statements.prune.run(numbered(id, revision - historyLimit));
}

/** PostgreSQL counts its parameters, SQLite names them: `$1` is a name like any other. */
function numbered(...values: SQLInputValue[]): Record<string, SQLInputValue> {
  return Object.fromEntries(values.map((value, index) => [`$${index + 1}`, value]));
}

function open(path: string): DatabaseSync {
  const isNew = path !== ":memory:" && !existsSync(path);
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path);
    if (isNew) chmodSync(path, 0o600);
    // FULL: an acknowledged change survives a power cut (sqlite.org/pragma.html#pragma_synchronous; in WAL mode NORMAL does not).
    database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
    migrate(database);
    return database;
  } catch (cause) {
    database?.close();
    throw new Error(`the machine database ${path} cannot be opened: ${whatToDo(cause)}`, { cause });
  }
}

function whatToDo(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  if (text.includes("locked")) return "another server has it open; stop that one first";
  if (text.includes("not a database") || text.includes("malformed")) {
    return "it is damaged or no database; it was left as it is: restore a backup, or move it away to begin anew";
  }
  return text;
}

function migrate(database: DatabaseSync): void {
  const done = Number(database.prepare("PRAGMA user_version").get()?.user_version ?? 0);
  if (done > migrations.length) {
    throw new Error(
      `it was written by a newer version (schema ${done}; this one knows ${migrations.length}): upgrade first`,
    );
  }
  for (const [index, step] of [...migrations.entries()].slice(done)) {
    database.exec(`BEGIN EXCLUSIVE; ${step}; PRAGMA user_version = ${index + 1}; COMMIT`);
  }
  // Takes the exclusive lock now, so that a second server fails at its start and not at its first write.
  database.exec("BEGIN EXCLUSIVE; COMMIT");
}
