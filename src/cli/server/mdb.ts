import type { Command } from "commander";
import type { Actions } from "../act/actions.ts";
import { addBackup } from "./mdb-backup.ts";
import { addCopy } from "./mdb-copy.ts";
import { addRestore } from "./mdb-restore.ts";

/** Adds `mdb copy|backup|restore`. */
export function mdbCommand(program: Command, actions: Pick<Actions, "databaseIn" | "copyMdb" | "restoreMdb">): void {
  const mdb = program.command("mdb").description("copy, back up or restore the machine database");
  addCopy(mdb, actions);
  addBackup(mdb, actions);
  addRestore(mdb, actions);
}
