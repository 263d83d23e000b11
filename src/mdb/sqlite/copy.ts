import { existsSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import type { SQLInputValue } from "node:sqlite";
import { type CopySource, type CopyTarget, type FleetTable, fleetTables } from "../journal/copy.ts";
import { syncDirectory } from "../sync-directory.ts";
import { openSqliteDatabase } from "./database.ts";

/** Opens a SQLite file to copy from. Refused while a server has it open; use `birther mdb backup` then. */
export function sqliteSource(path: string): CopySource {
  if (!existsSync(path)) throw new Error(`copy source: expected a database file, found nothing at ${path}`);
  const database = openSqliteDatabase(path);
  return {
    name: path,
    count: async (table) => Number(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n),
    page: async (table, after, limit) => {
      const { key, columns } = fleetTables[table];
      const text = `SELECT ${columns.join(", ")}, ${key} AS copy_key FROM ${table} WHERE ${key} > ? ORDER BY ${key} LIMIT ?`;
      return database.prepare(text).all(after as SQLInputValue, limit);
    },
    [Symbol.asyncDispose]: async () => database.close(),
  };
}

/**
 * Opens a SQLite file to copy into. The copy is written beside it and replaces it when complete; the old file is kept
 * with the suffix `.before`.
 */
export function sqliteTarget(path: string): CopyTarget {
  const partial = `${path}.partial`;
  const isThere = existsSync(path);
  // A lock held until the new file is in place, so that no server can start on the old one meanwhile.
  const old = isThere ? openSqliteDatabase(path) : undefined;
  rmSync(partial, { force: true });
  const database = openSqliteDatabase(partial);
  database.exec("BEGIN");
  const count = (table: FleetTable) => Number(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n);
  return {
    name: path,
    isEmpty: async () => {
      if (old === undefined) return true;
      return ["machines", "changes", "documents"].every(
        (table) => Number(old.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n) === 0,
      );
    },
    clear: async () => database.exec("DELETE FROM feed"),
    write: async (table, rows) => {
      const { columns } = fleetTables[table];
      const marks = columns.map(() => "?").join(", ");
      const insert = database.prepare(`INSERT INTO ${table} (${columns.join(", ")}) VALUES (${marks})`);
      for (const row of rows) insert.run(...columns.map((column) => row[column] as SQLInputValue));
    },
    count: async (table) => count(table),
    finish: async () => {
      // A single portable file, without the journals of a database in use.
      database.exec("COMMIT; PRAGMA journal_mode = DELETE");
      database.close();
      old?.close();
      if (isThere) renameSync(path, `${path}.before`);
      renameSync(partial, path);
      syncDirectory(dirname(path));
    },
    [Symbol.asyncDispose]: async () => {
      if (database.isOpen) database.close();
      if (old?.isOpen) old.close();
      for (const suffix of ["", "-wal", "-shm"]) rmSync(`${partial}${suffix}`, { force: true });
    },
  };
}

/** The number of machines of a fleet in a SQLite file that will be installed at their next boot. */
export function countToBeInstalled(path: string): number {
  const database = openSqliteDatabase(path);
  try {
    const waiting = "document ->> '$.state' IN ('birth', 'rebirth', 'clean')";
    return Number(database.prepare(`SELECT count(*) AS n FROM machines WHERE ${waiting}`).get()?.n);
  } finally {
    database.close();
  }
}
