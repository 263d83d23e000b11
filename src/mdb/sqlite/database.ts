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
  if (size >= wanted) return;
  throw Object.assign(new Error(`the file is cut off: ${size} bytes of ${wanted}`), { errcode: resultCodes.corrupt });
}

/** What an error of SQLite, or of reading what it holds, means for whoever runs the server. */
export function whatToDo(cause: unknown): string {
  switch (cause instanceof SyntaxError ? resultCodes.corrupt : resultCodeOf(cause)) {
    case resultCodes.full:
      return "the disk is full; make room on it";
    case resultCodes.busy:
    case resultCodes.locked:
      return "another server has it open; stop that one first";
    case resultCodes.ioError:
    case resultCodes.corrupt:
    case resultCodes.notADatabase:
      return "it is damaged or no database; it was left as it is: restore a backup, or move it away to begin anew";
    default:
      return cause instanceof Error ? cause.message : String(cause);
  }
}

/** What SQLite answers (sqlite.org/rescode.html). */
const resultCodes = { busy: 5, locked: 6, ioError: 10, corrupt: 11, full: 13, notADatabase: 26 } as const;

/** The primary result code of an error of `node:sqlite`, the low byte of the extended one; undefined for other errors. */
function resultCodeOf(cause: unknown): number | undefined {
  return cause instanceof Error && "errcode" in cause ? Number(cause.errcode) & 0xff : undefined;
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
