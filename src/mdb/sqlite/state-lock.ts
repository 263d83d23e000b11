import { DatabaseSync } from "node:sqlite";

/**
 * Locks a state directory for this process by an exclusive lock on an empty SQLite file: Node has no flock, and the
 * kernel releases this lock whenever the process ends. Throws when another process holds it, with the next step if it is no
 * server, or when the file cannot be made.
 */
export function lockState(
  path: string,
  held = `another server uses this state directory (${path} is locked); stop that server first`,
): Disposable {
  const database = openLock(path);
  try {
    database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  } catch (cause) {
    database.close();
    throw isBusy(cause) ? new Error(held, { cause }) : unlockable(path, cause);
  }
  return { [Symbol.dispose]: () => database.close() };
}

function openLock(path: string): DatabaseSync {
  try {
    return new DatabaseSync(path);
  } catch (cause) {
    throw unlockable(path, cause);
  }
}

function unlockable(path: string, cause: unknown): Error {
  return new Error(`locking the state directory failed: ${path} cannot be written; check its owner and free space`, {
    cause,
  });
}

/** SQLITE_BUSY (sqlite.org/rescode.html#busy). */
function isBusy(cause: unknown): boolean {
  return cause instanceof Error && "errcode" in cause && (Number(cause.errcode) & 0xff) === 5;
}
