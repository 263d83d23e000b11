import { chmodSync, existsSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { migrations, stepFor } from "../journal/migrations.ts";

/** Opens a database of ours and brings its schema up to date. Throws as `openSqliteLedger` does. */
export function openSqliteDatabase(path: string): DatabaseSync {
  const isNew = path !== ":memory:" && !existsSync(path);
  // What a server that was killed left there may hold pages that the file does not have yet.
  const hasJournal = existsSync(`${path}-wal`);
  let database: DatabaseSync | undefined;
  try {
    // To SQLite an empty file is a new database: a fleet that forgot all its machines would be born anew.
    if (!isNew && path !== ":memory:" && statSync(path).size === 0) {
      throw new Error("it is empty, which no database of ours ever is: restore a backup, or remove it to begin anew");
    }
    database = new DatabaseSync(path);
    if (isNew) chmodSync(path, 0o600);
    // FULL: an acknowledged change survives a power cut (sqlite.org/pragma.html#pragma_synchronous; in WAL mode NORMAL does not).
    database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
    if (!hasJournal && path !== ":memory:") checkLength(database, path);
    migrate(database);
    return database;
  } catch (cause) {
    database?.close();
    throw new Error(`the machine database ${path} cannot be opened: ${whatToDo(cause)}`, { cause });
  }
}

/** A file that was cut off says so before anything is read from its end; to look into each page would take minutes in a large fleet. */
function checkLength(database: DatabaseSync, path: string): void {
  const figure = (name: "page_count" | "page_size") => Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
  const wanted = figure("page_count") * figure("page_size");
  const { size } = statSync(path);
  if (size < wanted) throw new Error(`database disk image is malformed: ${size} bytes of ${wanted}`);
}

/** What an error of SQLite, or of reading what it holds, means for whoever runs the server. */
export function whatToDo(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  if (text.includes("disk is full")) return "the disk is full; make room on it";
  if (text.includes("is empty")) return text;
  if (text.includes("locked")) return "another server has it open; stop that one first";
  if (cause instanceof SyntaxError || /not a database|malformed|disk image|disk I\/O/.test(text)) {
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
