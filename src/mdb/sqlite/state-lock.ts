import { DatabaseSync } from "node:sqlite";

/**
 * Holds a state directory for this process, by an exclusive lock on an empty SQLite file: Node has no flock, and the
 * kernel ends this lock with the process, however that ends. Throws when another server has it.
 */
export function lockState(path: string): Disposable {
  const database = new DatabaseSync(path);
  try {
    database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  } catch (cause) {
    database.close();
    throw new Error(`another server runs on this state directory (${path} is locked); stop that one first`, { cause });
  }
  return { [Symbol.dispose]: () => database.close() };
}
