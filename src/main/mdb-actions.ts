import { randomBytes } from "node:crypto";
import { resolve } from "node:path";
import type { Actions } from "../cli/act/actions.ts";
import { copyMdb as copy } from "../mdb/copy-mdb.ts";
import type { CopyAct } from "../mdb/journal/copy.ts";
import { isPostgres, parseConnectionString } from "../mdb/postgres/connection-string.ts";
import { restoreMdb as restore } from "../mdb/restore-mdb.ts";
import { localCaller } from "./acts/local-caller.ts";
import { systemClock } from "./system-ports.ts";

/** Copies an MDB; with `act`, the audit of the copy says so. */
export const copyMdb: Actions["copyMdb"] = async ({ act, ...asked }) =>
  await copy(act === undefined ? asked : { ...asked, act: actOf("copy MDB", asked.from, act.reason) });

/** Restores a backup; the audit of what was restored says so. */
export const restoreMdb: Actions["restoreMdb"] = async ({ reason, ...asked }) =>
  await restore({ ...asked, act: actOf("restore MDB", asked.from, reason) });

/** The act for the audit; it names a PostgreSQL database without its password. */
function actOf(action: string, from: string, reason: string | undefined): CopyAct {
  const source = isPostgres(from) ? parseConnectionString(from).name : resolve(from);
  const id = randomBytes(4).toString("hex");
  return {
    ...{ action, by: localCaller(), atMs: systemClock.nowMs(), facts: { from: source } },
    request: { id, from: "local", ...(reason === undefined ? {} : { reason }) },
  };
}
