import type { Command } from "commander";
import type { Actions } from "../act/actions.ts";
import { print } from "../api/server-options.ts";
import { showProgress } from "../output/progress.ts";

/** Adds `mdb copy`. */
export function addCopy(mdb: Command, { copyMdb }: Pick<Actions, "copyMdb">): void {
  mdb
    .command("copy")
    .description("copy a fleet between SQLite and PostgreSQL, with its history, audit and position")
    .requiredOption("--from <database>", "a file, or postgres://…; no server may run on a file")
    .requiredOption("--to <database>", "a file, or postgres://…; no server may run on it")
    .option("-y, --yes", "replace the fleet that the target holds; a file is kept as FILE.before", false)
    .action(async ({ from, to, yes }: { from: string; to: string; yes: boolean }) => {
      const machines = await copyMdb({ from, to, replace: yes, onProgress: showProgress("rows") });
      print(
        `${machines} machines are copied; name the database in the configuration (\`database:\`) and start the server`,
      );
    });
}
