import { chmod, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";

/**
 * Runs the tests with a directory of their own for temporary files, and removes it when they have ended or were
 * killed. It is below /var/tmp unless TMPDIR says otherwise: /tmp may be in memory, and disks take several GiB. Tests
 * and the programs that they start find it in TMPDIR; some run as other users, as in /tmp.
 */
export async function withScratchDirectory<T>(work: () => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(process.env.TMPDIR ?? "/var/tmp", "birther-test-"));
  await chmod(directory, 0o1777);
  process.env.TMPDIR = directory;
  try {
    return await work();
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  }
}
