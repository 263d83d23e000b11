import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import type { Command } from "commander";
import type { Deeds, Progress } from "./deeds.ts";
import { failure } from "./failure.ts";
import { print } from "./server-options.ts";

type MdbDeeds = Pick<Deeds, "databaseIn" | "copyMdb" | "restoreMdb">;
type Where = { readonly state?: string; readonly yes: boolean };

/** Adds `mdb copy|backup|restore`. */
export function mdbCommand(program: Command, deeds: MdbDeeds): void {
  const mdb = program.command("mdb").description("the machine database as a whole: copy it, back it up, restore it");

  mdb
    .command("copy")
    .description("copy a fleet between SQLite and PostgreSQL, with its history, audit and position")
    .requiredOption("--from <database>", "a file, or postgres://…; no server may run on a file")
    .requiredOption("--to <database>", "a file, or postgres://…; no server may run on it")
    .option("-y, --yes", "replace the fleet that the target holds", false)
    .action(async ({ from, to, yes }: { from: string; to: string; yes: boolean }) => {
      const machines = await deeds.copyMdb({ from, to, replace: yes, onProgress: showProgress("rows") });
      print(
        `${machines} machines are copied; name the database in the configuration (\`database:\`) and start the server`,
      );
    });

  const backup = mdb
    .command("backup <file>")
    .description("write the whole MDB, as it is at one moment, into a SQLite file; servers go on")
    .option(
      "--from <database>",
      "postgres://…, or the file of a server that does not run; else the running server is asked",
    );
  withState(backup, "replace the file").action(async (file: string, options: Where & { from?: string }) => {
    const { existsSync } = await import("node:fs");
    if (existsSync(file) && !options.yes) throw failure("failed", `${file} is there already`, "--yes replaces it");
    if (options.from === undefined) await fetchBackup(file, options);
    else {
      const partial = `${file}.new`;
      await rm(partial, { force: true });
      await deeds.copyMdb({ from: options.from, to: partial, replace: false, onProgress: showProgress("rows") });
      await rename(partial, file);
    }
    print(`${file} holds the MDB; it has hashes of secrets in it: keep it as you keep the server`);
  });

  const restore = mdb
    .command("restore <file>")
    .description("put a backup in the place of an MDB on which no server runs")
    .option("--to <database>", "postgres://…, or a file (default: the one in the state directory)");
  withState(restore, "replace the fleet that is there; a file is kept as FILE.before").action(
    async (file: string, options: Where & { to?: string }) => {
      const { findState } = await import("./find-server.ts");
      const to = options.to ?? deeds.databaseIn(await findState(options.state));
      const onProgress = showProgress("rows");
      const { machines, toBeInstalled } = await deeds.restoreMdb({ from: file, to, replace: options.yes, onProgress });
      print(`${to} holds ${machines} machines as they were in ${file}`);
      if (toBeInstalled === 0) return;
      process.stderr.write(
        `${toBeInstalled} of them are to be born, reborn or cleaned, and will be at their next boot, even if they were since the backup.\n` +
          "Before they boot, start the server and hold those that must not: birther hold -w state=rebirth --reason restored\n",
      );
    },
  );
}

function withState(command: Command, yes: string): Command {
  return command
    .option(
      "--state <dir>",
      "state directory of the server (default: BIRTHER_STATE, or that of the only one that runs here)",
    )
    .option("-y, --yes", yes, false);
}

/** Fetches a backup of the running server; the file is there when it is whole. */
async function fetchBackup(file: string, options: Where): Promise<void> {
  const { openApi } = await import("./api.ts");
  const { pipeline } = await import("node:stream/promises");
  const response = await (await openApi(options)).bytes("backup");
  const total = Number(response.headers["content-length"]);
  const onProgress = showProgress("bytes");
  const partial = `${file}.partial`;
  let done = 0;
  response.on("data", (bytes: Buffer) => {
    done += bytes.length;
    onProgress(done, total);
  });
  try {
    await pipeline(response, createWriteStream(partial, { mode: 0o600, flush: true }));
    if (done !== total)
      throw failure("failed", `the server sent ${done} of ${total} bytes`, "see its log, and try again");
    await rename(partial, file);
  } finally {
    await rm(partial, { force: true });
  }
}

/** One line that is rewritten, at a terminal; nothing elsewhere. */
function showProgress(what: string): Progress {
  let shownAtMs = 0;
  return (done, total) => {
    if (!process.stderr.isTTY || (done < total && Date.now() - shownAtMs < 200)) return;
    shownAtMs = Date.now();
    process.stderr.write(`\r${done} of ${total} ${what}\u001b[K${done >= total ? "\n" : ""}`);
  };
}
