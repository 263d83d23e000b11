import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Does work that needs a directory for its files; the directory is removed afterwards, also when the work fails. */
export async function inScratch<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "birther-build-"));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}
