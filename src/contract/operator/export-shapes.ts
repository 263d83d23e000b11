/** The queries and answers of the exports for other tools, as used in routes.ts. */
import * as v from "valibot";
import type { DominatorMachine } from "../../core/export/dominator-mdb.ts";
import { netboxTables } from "../../core/export/netbox.ts";
import { pinnedShape } from "../same.ts";

const name = v.pipe(v.string(), v.trim(), v.nonEmpty("expected a name"), v.maxLength(100));

export const netboxQuery = v.strictObject({
  table: v.picklist(netboxTables, `expected one of ${netboxTables.join(", ")}`),
  site: v.optional(name, "main"),
  role: v.optional(name, "server"),
  /** Only for `interfaces`: NetBox up to 4.1. */
  macColumn: v.optional(
    v.pipe(
      v.picklist(["true", "false"], "expected true or false"),
      v.transform((given) => given === "true"),
    ),
    "false",
  ),
});

/** Its keys are the Dominator's (core/export/dominator-mdb.ts). */
export const dominatorAnswer = pinnedShape<readonly DominatorMachine[]>()(
  v.array(
    v.strictObject({
      Hostname: v.string(),
      IpAddress: v.exactOptional(v.string()),
      Location: v.exactOptional(v.string()),
      RequiredImage: v.exactOptional(v.string()),
      PlannedImage: v.exactOptional(v.string()),
      DisableUpdates: v.exactOptional(v.literal(true)),
      OwnerGroups: v.exactOptional(v.array(v.string())),
      Tags: v.exactOptional(v.record(v.string(), v.string())),
    }),
  ),
);

/** Ansible's inventory format: `_meta.hostvars` and the groups. */
export const ansibleAnswer = v.looseObject({
  _meta: v.strictObject({ hostvars: v.record(v.string(), v.looseObject({ birther_id: v.string() })) }),
  all: v.strictObject({ children: v.array(v.string()) }),
});
export const ansibleHostAnswer = v.looseObject({ birther_id: v.string() });

export const textAnswer = v.string();

export const aliveAnswer = v.strictObject({ alive: v.literal(true) });

/** The readiness of a server, one check per requirement. */
export const readyAnswer = v.strictObject({
  ready: v.boolean(),
  checks: v.array(
    v.strictObject({
      name: v.string(),
      ok: v.boolean(),
      /** What is wrong, and what to do; present if `ok` is false. */
      fault: v.exactOptional(v.string()),
      next: v.exactOptional(v.string()),
    }),
  ),
});
export type ReadyAnswer = v.InferOutput<typeof readyAnswer>;
