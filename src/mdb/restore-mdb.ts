import { existsSync } from "node:fs";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { copyMdb } from "./copy-mdb.ts";
import type { CopyAct, CopyProgress } from "./journal/copy.ts";
import { isPostgres } from "./postgres/connection-string.ts";
import { countToBeInstalled } from "./sqlite/copy.ts";

/**
 * Restores a backup from a copy of it, because opening an older backup changes its schema. Returns its number of
 * machines, and how many of them will be installed at their next boot. Throws as `copyMdb` does, and when `from` is not
 * a backup.
 */
export async function restoreMdb(options: {
  readonly from: string;
  readonly to: string;
  readonly replace: boolean;
  readonly onProgress: CopyProgress;
  readonly act?: CopyAct | undefined;
}): Promise<{ readonly machines: number; readonly toBeInstalled: number }> {
  const { from, to, replace, onProgress, act } = options;
  if (!existsSync(from)) throw new Error(`backup to restore: expected a file, found nothing at ${from}`);
  if (existsSync(`${from}-wal`)) {
    throw new Error(
      `backup to restore: expected a backup, found a database in use at ${from}; run birther mdb backup to make a backup of it, or birther mdb copy to move it`,
    );
  }
  const directory = await mkdtemp(join(isPostgres(to) ? tmpdir() : dirname(to), "restore-"));
  try {
    const copy = join(directory, "backup.sqlite");
    await copyFile(from, copy);
    const machines = await copyMdb({ from: copy, to, replace, onProgress, act });
    return { machines, toBeInstalled: countToBeInstalled(copy) };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
