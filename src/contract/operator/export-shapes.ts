/** What the exports for other tools are asked with, and what they answer; rows of operator-routes.ts name them. */
import * as v from "valibot";
import type { DominatorMachine } from "../../core/export/dominator-mdb.ts";
import { netboxTables } from "../../core/export/netbox.ts";
import { pinnedShape } from "../same.ts";

const name = v.pipe(v.string(), v.trim(), v.nonEmpty("meant is a name"), v.maxLength(100));

export const netboxQuery = v.strictObject({
  table: v.picklist(netboxTables, `meant is ${netboxTables.join(", ")}`),
  site: v.optional(name, "main"),
  role: v.optional(name, "server"),
  /** Only for `interfaces`: NetBox up to 4.1. */
  macColumn: v.optional(
    v.pipe(
      v.picklist(["true", "false"], "meant is true or false"),
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

/** Ansible's own format: `_meta.hostvars`, and the groups beside it. */
export const ansibleAnswer = v.looseObject({
  _meta: v.strictObject({ hostvars: v.record(v.string(), v.looseObject({ birther_id: v.string() })) }),
  all: v.strictObject({ children: v.array(v.string()) }),
});
export const ansibleHostAnswer = v.looseObject({ birther_id: v.string() });

export const textAnswer = v.string();

export const aliveAnswer = v.strictObject({ alive: v.literal(true) });

/** What a server needs to do its work, thing by thing. */
export const readyAnswer = v.strictObject({
  ready: v.boolean(),
  checks: v.array(
    v.strictObject({
      name: v.string(),
      ok: v.boolean(),
      /** What is the matter, and what to do; there when `ok` is false. */
      fault: v.exactOptional(v.string()),
      next: v.exactOptional(v.string()),
    }),
  ),
});
export type ReadyAnswer = v.InferOutput<typeof readyAnswer>;
