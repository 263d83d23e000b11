import type { Command } from "commander";
import { counted } from "../../core/bytes/counted.ts";
import type { Actions } from "../act/actions.ts";
import { print, reasonOption } from "../api/server-options.ts";
import { showProgress } from "../output/progress.ts";
import { warn } from "../output/warn.ts";

type RestoreOptions = {
  readonly state?: string;
  readonly to?: string;
  readonly yes: boolean;
  readonly reason?: string;
};

/** Adds `mdb restore`. */
export function addRestore(mdb: Command, { databaseIn, restoreMdb }: Pick<Actions, "databaseIn" | "restoreMdb">): void {
  const restore = mdb
    .command("restore <file>")
    .description("replace an MDB that no server uses with a backup")
    .option("--to <database>", "postgres://…, or an SQLite file (default: the MDB in the state directory)")
    .option("--state <dir>", "state directory (default: BIRTHER_STATE, or /var/lib/birther)")
    .option("-y, --yes", "replace the existing fleet; a replaced file is kept as FILE.before", false);
  reasonOption(restore).action(async (file: string, options: RestoreOptions) => {
    const { findState } = await import("../api/find-server.ts");
    const to = options.to ?? databaseIn(await findState(options.state));
    const { yes: replace, reason } = options;
    const onProgress = showProgress("rows");
    const { machines, toBeInstalled } = await restoreMdb({ from: file, to, replace, onProgress, reason });
    print(`restored ${counted(machines, "machine")} from ${file} to ${to}`);
    if (toBeInstalled === 0) return;
    warn(
      `${toBeInstalled} of them will be installed at their next boot, even if they were installed after the backup.`,
      "To prevent that, start the server and hold them before they boot: birther hold -w state=rebirth --reason restored",
    );
  });
}
