import { chmodSync, existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { migrations, stepFor } from "./migrations.ts";

/** Opens a database of ours and brings its schema up to date. Throws as `openSqliteLedger` does. */
export function openSqliteDatabase(path: string): DatabaseSync {
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
    database.exec(`BEGIN EXCLUSIVE; ${stepFor(step, "sqlite")}; PRAGMA user_version = ${index + 1}; COMMIT`);
  }
  // Takes the exclusive lock now, so that a second server fails at its start and not at its first write.
  database.exec("BEGIN EXCLUSIVE; COMMIT");
}
