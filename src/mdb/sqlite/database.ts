import { chmodSync, existsSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { migrations, stepFor } from "../journal/migrations.ts";

/** Opens a Birther database and brings its schema up to date. Throws as `openSqliteJournal` does. */
export function openSqliteDatabase(path: string): DatabaseSync {
  const isNew = path !== ":memory:" && !existsSync(path);
  // The journals of a killed server may hold pages that the file lacks.
  const hasJournal = existsSync(`${path}-wal`);
  let database: DatabaseSync | undefined;
  try {
    // SQLite treats an empty file as a new database; a fleet that forgot all its machines would be reinstalled.
    if (!isNew && path !== ":memory:" && statSync(path).size === 0) {
      throw new Error(
        "expected a Birther database, found an empty file; restore a backup, or remove the file to start a new fleet",
      );
    }
    database = new DatabaseSync(path);
    if (isNew) chmodSync(path, 0o600);
    // FULL: an acknowledged change survives a power cut (sqlite.org/pragma.html#pragma_synchronous; in WAL mode NORMAL
    // does not guarantee it).
    database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
    if (!hasJournal && path !== ":memory:") checkLength(database, path);
    migrate(database);
    return database;
  } catch (cause) {
    database?.close();
    throw new Error(`opening the machine database ${path} failed: ${whatToDo(cause)}`, { cause });
  }
}

/**
 * Detects a truncated file before anything is read from its end; checking each page of a large fleet would take
 * minutes.
 */
function checkLength(database: DatabaseSync, path: string): void {
  const figure = (name: "page_count" | "page_size") => Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
  const wanted = figure("page_count") * figure("page_size");
  const { size } = statSync(path);
  if (size >= wanted) return;
  throw Object.assign(new Error(`the file is truncated: expected ${wanted} bytes, found ${size}`), {
    errcode: resultCodes.corrupt,
  });
}

/** What an error of SQLite, or of parsing its contents, means, and the next step. */
export function whatToDo(cause: unknown): string {
  switch (cause instanceof SyntaxError ? resultCodes.corrupt : resultCodeOf(cause)) {
    case resultCodes.full:
      return "the disk is full; free some space";
    case resultCodes.busy:
    case resultCodes.locked:
      return "another server has it open; stop that server first";
    case resultCodes.ioError:
    case resultCodes.corrupt:
    case resultCodes.notADatabase:
      return "it is damaged or not a database, and was not changed; restore a backup, or move the file away to start a new fleet";
    default:
      return cause instanceof Error ? cause.message : String(cause);
  }
}

/** SQLite's result codes (sqlite.org/rescode.html). */
const resultCodes = { busy: 5, locked: 6, ioError: 10, corrupt: 11, full: 13, notADatabase: 26 } as const;

/**
 * The primary result code of an error of `node:sqlite`, the low byte of the extended one; undefined for other errors.
 */
function resultCodeOf(cause: unknown): number | undefined {
  return cause instanceof Error && "errcode" in cause ? Number(cause.errcode) & 0xff : undefined;
}

function migrate(database: DatabaseSync): void {
  const done = Number(database.prepare("PRAGMA user_version").get()?.user_version ?? 0);
  if (done > migrations.length) {
    throw new Error(
      `expected schema ${migrations.length} or older, found ${done}, written by a newer version; upgrade Birther first`,
    );
  }
  for (const [index, step] of [...migrations.entries()].slice(done)) {
    database.exec(`BEGIN EXCLUSIVE; ${stepFor(step, "sqlite")}; PRAGMA user_version = ${index + 1}; COMMIT`);
  }
  // Takes the exclusive lock now, so that a second server fails at its start and not at its first write.
  database.exec("BEGIN EXCLUSIVE; COMMIT");
}
