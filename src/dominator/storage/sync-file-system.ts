import { execFile } from "node:child_process";
import { promisify } from "node:util";

/**
 * Writes to the disk what was written to the file system of a path: one fsync for each of thousands of objects would take
 * minutes.
 */
export async function syncFileSystem(path: string): Promise<void> {
  await promisify(execFile)("sync", ["-f", path]);
}
