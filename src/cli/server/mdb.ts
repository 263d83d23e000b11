import type { Command } from "commander";
import type { Deeds } from "../act/actions.ts";
import { addBackup } from "./mdb-backup.ts";
import { addCopy } from "./mdb-copy.ts";
import { addRestore } from "./mdb-restore.ts";

/** Adds `mdb copy|backup|restore`. */
export function mdbCommand(program: Command, deeds: Pick<Deeds, "databaseIn" | "copyMdb" | "restoreMdb">): void {
  const mdb = program.command("mdb").description("the machine database as a whole: copy it, back it up, restore it");
  addCopy(mdb, deeds);
  addBackup(mdb, deeds);
  addRestore(mdb, deeds);
}
