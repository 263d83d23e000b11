import { existsSync } from "node:fs";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Actions } from "../cli/act/actions.ts";
import { copyMdb } from "../mdb/copy-mdb.ts";
import { isPostgres } from "../mdb/postgres/connection-string.ts";
import { countToBeInstalled } from "../mdb/sqlite/copy.ts";

export { copyMdb };

/** Restores a backup, by way of a copy of it: opening an older one changes its schema. */
export const restoreMdb: Actions["restoreMdb"] = async ({ from, to, replace, onProgress }) => {
  if (!existsSync(from)) throw new Error(`there is no ${from} to restore`);
  if (existsSync(`${from}-wal`)) {
    throw new Error(
      `${from} is no backup but a database in use: birther mdb backup makes one of it, birther mdb copy moves it`,
    );
  }
  const directory = await mkdtemp(join(isPostgres(to) ? tmpdir() : dirname(to), "restore-"));
  try {
    const copy = join(directory, "backup.sqlite");
    await copyFile(from, copy);
    const machines = await copyMdb({ from: copy, to, replace, onProgress });
    return { machines, toBeInstalled: countToBeInstalled(copy) };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};
