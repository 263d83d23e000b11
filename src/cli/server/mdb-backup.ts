import { existsSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import type { Command } from "commander";
import type { Actions } from "../act/actions.ts";
import { failure, readFailure } from "../api/failure.ts";
import { locationOptions, print, type ServerOptions } from "../api/server-options.ts";
import { showProgress } from "../output/progress.ts";

type BackupOptions = Omit<ServerOptions, "output"> & { readonly from?: string; readonly yes: boolean };

/** Adds `mdb backup`. */
export function addBackup(mdb: Command, { copyMdb }: Pick<Actions, "copyMdb">): void {
  const backup = mdb
    .command("backup <file>")
    .description("write a consistent copy of the MDB to an SQLite file while servers run")
    .option("--from <database>", "postgres://…, or the SQLite file of a stopped server (default: the running server)")
    .option("-y, --yes", "replace the file", false);
  locationOptions(backup).action(async (file: string, options: BackupOptions) => {
    if (existsSync(file) && !options.yes) throw failure("failed", `${file} already exists`, "to replace it, use --yes");
    if (options.from === undefined) await fetchBackup(file, options);
    else {
      const whole = `${file}.new`;
      await rm(whole, { force: true });
      await copyMdb({ from: options.from, to: whole, replace: false, onProgress: showProgress("rows") });
      await rename(whole, file);
    }
    print(`${file} holds the MDB, including hashes of secrets: protect it like the server`);
  });
}

/** Fetches a backup from the running server; the file appears once it is complete. */
async function fetchBackup(file: string, options: BackupOptions): Promise<void> {
  const { openApi } = await import("../api/api.ts");
  const { pipeline } = await import("node:stream/promises");
  const partial = `${file}.partial`;
  await rm(partial, { force: true });
  const response = await (await openApi(options)).bytes("backup");
  const total = Number(response.headers["content-length"]);
  const onProgress = showProgress("bytes");
  let done = 0;
  async function* counted(bytes: AsyncIterable<Buffer>) {
    for await (const piece of bytes) {
      done += piece.length;
      onProgress(done, total);
      yield piece;
    }
  }
  try {
    // Opened before anything can fail, so that what is removed is there.
    const out = (await open(partial, "w", 0o600)).createWriteStream({ flush: true });
    await pipeline(response, counted, out);
    if (done !== total) {
      throw failure(
        "failed",
        `expected ${total} bytes from the server, found ${done}`,
        "read the log of the server, then retry",
      );
    }
    await rename(partial, file);
  } catch (error) {
    throw readFailure(error);
  } finally {
    await rm(partial, { force: true });
  }
}
