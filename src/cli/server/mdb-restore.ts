import type { Command } from "commander";
import type { Actions } from "../act/actions.ts";
import { print } from "../api/server-options.ts";
import { showProgress } from "../output/progress.ts";

type RestoreOptions = { readonly state?: string; readonly to?: string; readonly yes: boolean };

/** Adds `mdb restore`. */
export function addRestore(mdb: Command, { databaseIn, restoreMdb }: Pick<Actions, "databaseIn" | "restoreMdb">): void {
  mdb
    .command("restore <file>")
    .description("put a backup in the place of an MDB on which no server runs")
    .option("--to <database>", "postgres://…, or a file (default: the one in the state directory)")
    .option("--state <dir>", "state directory (default: BIRTHER_STATE, or /var/lib/birther)")
    .option("-y, --yes", "replace the fleet that is there; a file is kept as FILE.before", false)
    .action(async (file: string, options: RestoreOptions) => {
      const { findState } = await import("../api/find-server.ts");
      const to = options.to ?? databaseIn(await findState(options.state));
      const onProgress = showProgress("rows");
      const { machines, toBeInstalled } = await restoreMdb({ from: file, to, replace: options.yes, onProgress });
      print(`${to} holds ${machines} machines as they were in ${file}`);
      if (toBeInstalled === 0) return;
      process.stderr.write(
        `${toBeInstalled} of them are to be born, reborn or cleaned, and will be at their next boot, even if they were since the backup.\n` +
          "Before they boot, start the server and hold those that must not: birther hold -w state=rebirth --reason restored\n",
      );
    });
}
