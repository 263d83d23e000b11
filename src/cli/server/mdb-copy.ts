import type { Command } from "commander";
import { counted } from "../../core/bytes/counted.ts";
import type { Actions } from "../act/actions.ts";
import { print, reasonOption } from "../api/server-options.ts";
import { showProgress } from "../output/progress.ts";

type CopyOptions = { readonly from: string; readonly to: string; readonly yes: boolean; readonly reason?: string };

/** Adds `mdb copy`. */
export function addCopy(mdb: Command, { copyMdb }: Pick<Actions, "copyMdb">): void {
  const copy = mdb
    .command("copy")
    .description("copy a fleet between SQLite and PostgreSQL, with its history, audit and feed position")
    .requiredOption("--from <database>", "an SQLite file that no server uses, or postgres://…")
    .requiredOption("--to <database>", "an SQLite file or postgres://… that no server uses")
    .option("-y, --yes", "replace the fleet in the target; a replaced file is kept as FILE.before", false);
  reasonOption(copy).action(async ({ from, to, yes, reason }: CopyOptions) => {
    const machines = await copyMdb({ from, to, replace: yes, onProgress: showProgress("rows"), act: { reason } });
    print(
      `copied ${counted(machines, "machine")}; to use the copy, set \`database:\` in the configuration and start the server`,
    );
  });
}
