import { DatabaseSync } from "node:sqlite";

/**
 * Locks a state directory for this process by an exclusive lock on an empty SQLite file: Node has no flock, and the
 * kernel releases this lock whenever the process ends. Throws when another server holds it.
 */
export function lockState(path: string): Disposable {
  const database = new DatabaseSync(path);
  try {
    database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  } catch (cause) {
    database.close();
    throw new Error(`another server uses this state directory (${path} is locked); stop that server first`, { cause });
  }
  return { [Symbol.dispose]: () => database.close() };
}
