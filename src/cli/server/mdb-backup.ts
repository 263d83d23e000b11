import { createWriteStream, existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import type { Command } from "commander";
import type { Actions } from "../act/actions.ts";
import { failure } from "../api/failure.ts";
import { placeOptions, print, type ServerOptions } from "../api/server-options.ts";
import { showProgress } from "../output/progress.ts";

type BackupOptions = Omit<ServerOptions, "output"> & { readonly from?: string; readonly yes: boolean };

/** Adds `mdb backup`. */
export function addBackup(mdb: Command, { copyMdb }: Pick<Actions, "copyMdb">): void {
  const backup = mdb
    .command("backup <file>")
    .description("write the whole MDB, as it is at one moment, into a SQLite file; servers go on")
    .option("--from <database>", "postgres://…, or the file of a server that does not run; else a running one is asked")
    .option("-y, --yes", "replace the file", false);
  placeOptions(backup).action(async (file: string, options: BackupOptions) => {
    if (existsSync(file) && !options.yes) throw failure("failed", `${file} is there already`, "--yes replaces it");
    if (options.from === undefined) await fetchBackup(file, options);
    else {
      const whole = `${file}.new`;
      await rm(whole, { force: true });
      await copyMdb({ from: options.from, to: whole, replace: false, onProgress: showProgress("rows") });
      await rename(whole, file);
    }
    print(`${file} holds the MDB; it has hashes of secrets in it: keep it as you keep the server`);
  });
}

/** Fetches a backup of the running server; the file is there when it is whole. */
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
    await pipeline(response, counted, createWriteStream(partial, { mode: 0o600, flush: true }));
    if (done !== total) {
      throw failure("failed", `the server sent ${done} of ${total} bytes`, "see its log, and try again");
    }
    await rename(partial, file);
  } finally {
    await rm(partial, { force: true });
  }
}
