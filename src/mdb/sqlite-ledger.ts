import { chmodSync, existsSync } from "node:fs";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import type { Machine } from "../core/machine/record.ts";
import type { PastChange } from "../core/ports.ts";
import { type Entry, historyLimit, type Ledger } from "./ledger.ts";
import { migrations } from "./migrations.ts";

/**
 * A ledger in one SQLite file, or in memory (`:memory:`). The file belongs to one process: a second server on it is
 * refused. Throws, naming the file, when it is no database of ours; such a file is left as it is.
 */
export function openSqliteLedger(path: string): Ledger {
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
  };

  return {
    load: async () => statements.load.all().map((row) => JSON.parse(String(row.document)) as Machine),

    commit: async (entries) => {
      database.exec("BEGIN IMMEDIATE");
      try {
        for (const entry of entries) write(statements, entry);
        database.exec("COMMIT");
      } catch (cause) {
        if (database.isTransaction) database.exec("ROLLBACK");
        throw new Error(`${entries.length} changes could not be written to ${path}`, { cause });
      }
    },

    history: async (id, limit) =>
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

    [Symbol.asyncDispose]: async () => database.close(),
  };
}

function write(statements: { readonly [name in "save" | "drop" | "note" | "prune"]: StatementSync }, entry: Entry) {
  const { machine, event, atMs } = entry;
  const { id, revision, state, generation, conditions, hostname, phase } = machine;
  statements.save.run(numbered(id, revision, JSON.stringify(machine)));
  for (const gone of entry.absorbed) statements.drop.run(numbered(gone));
  const outcome = { id, revision, state, generation, conditions, hostname, phase };
  statements.note.run(numbered(id, revision, atMs, JSON.stringify(event), JSON.stringify(outcome)));
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
