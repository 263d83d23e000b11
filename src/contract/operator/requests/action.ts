/** The actions of operators on one machine, and on many. */
import * as v from "valibot";
import { sanitizeWishes } from "../../../core/erasure/erase-wish.ts";
import type { ActionName } from "../../../core/fleet/operator-action.ts";
import { usualPace } from "../../../core/fleet/reboot-pace.ts";
import { labels, where } from "./selection.ts";
import { emptyBody } from "./values.ts";

/** A reason, shown in the record and the audit. */
const text = v.pipe(v.string(), v.trim(), v.nonEmpty("expected a reason"), v.maxLength(500));

const override = v.exactOptional(
  v.pipe(v.boolean(), v.description("exceed the blast radius of a group (`blastRadius`)")),
);

const restart = v.exactOptional(
  v.pipe(v.literal(true), v.description("also while a rebirth or clean is running: it stops and starts again")),
);

const atATime = (of: string, usual: number) =>
  v.exactOptional(
    v.pipe(
      v.number(),
      v.integer(),
      v.minValue(1),
      v.maxValue(10_000),
      v.description(`limit of machines ${of} that are away at the same time; ${usual} by default`),
    ),
  );
/** How many machines may restart at the same time. */
const pace = {
  atOnce: atATime("of the fleet", usualPace.atOnce),
  perRack: atATime("of its rack", usualPace.perRack),
} as const;

/** The body of each action. */
export const actionBodies = {
  rebirth: v.strictObject({
    mayMove: v.exactOptional(
      v.pipe(v.literal(true), v.description("allow another slot, which gives the machine another name and address")),
    ),
    newRootDisk: v.exactOptional(
      v.pipe(
        v.strictObject({ selector: v.exactOptional(v.pipe(v.string(), v.nonEmpty(), v.maxLength(255))) }),
        v.description(
          "allow a root disk other than the recorded one, and erase it: the disk whose serial number, WWN or path is `selector`, or any disk",
        ),
      ),
    ),
    restart,
    override,
    reboot: v.exactOptional(
      v.pipe(v.strictObject(pace), v.description("the agent restarts the machine, when its turn comes")),
    ),
  }),
  reboot: v.strictObject(pace),
  clean: v.strictObject({
    sanitize: v.exactOptional(
      v.pipe(
        v.picklist(sanitizeWishes),
        v.description(
          "the disks erase themselves; where one cannot, `require` fails before anything is written, and `whereOffered` destroys its keys only, which the record of the erasure says",
        ),
      ),
    ),
    allDisks: v.exactOptional(
      v.pipe(
        v.literal(true),
        v.description(
          "erase with the root disk all others of the record that stay in the machine; a dry run names them",
        ),
      ),
    ),
    restart,
    override,
  }),
  cancel: emptyBody,
  hold: v.strictObject({ reason: text }),
  release: v.strictObject({
    wipe: v.exactOptional(
      v.pipe(v.literal(true), v.description("allow a first birth to erase data found on the disks")),
    ),
    acceptTpm: v.exactOptional(
      v.pipe(v.literal(true), v.description("unbind the machine from its TPM: the next one that it proves is trusted")),
    ),
    recover: v.exactOptional(
      v.pipe(
        v.literal(true),
        v.description("allow the next network boot to recover the sealed disk key, and nothing else"),
      ),
    ),
  }),
  retire: v.strictObject({ reason: v.exactOptional(text) }),
} as const satisfies { readonly [A in ActionName]: v.GenericSchema };

/** Maximum number of machines in one batch. */
export const batchLimit = 10_000;

const selection = v.pipe(
  v.strictObject({
    names: v.exactOptional(
      v.pipe(
        v.array(v.pipe(v.string(), v.nonEmpty(), v.maxLength(255))),
        v.minLength(1, "expected at least one machine"),
        v.maxLength(batchLimit, `expected at most ${batchLimit} machines`),
      ),
    ),
    labels: v.exactOptional(labels),
    where: v.exactOptional(where),
  }),
  v.check(
    ({ names, labels, where }) => (names === undefined) !== (labels === undefined && where === undefined),
    "expected either `names`, or `labels` and `where` (an empty selection does not select all machines)",
  ),
);

const inBatch = {
  select: selection,
  dryRun: v.exactOptional(v.pipe(v.boolean(), v.description("return the outcome without changing anything"))),
} as const;
const { rebirth, reboot, clean, cancel, hold, release, retire } = actionBodies;

/** One action on many machines; beyond the blast radius, none of them is changed. */
export const batchBody = v.variant("action", [
  v.strictObject({ action: v.literal("rebirth"), ...inBatch, ...rebirth.entries }),
  v.strictObject({ action: v.literal("reboot"), ...inBatch, ...reboot.entries }),
  v.strictObject({ action: v.literal("clean"), ...inBatch, ...clean.entries }),
  v.strictObject({ action: v.literal("cancel"), ...inBatch, ...cancel.entries }),
  v.strictObject({ action: v.literal("hold"), ...inBatch, ...hold.entries }),
  v.strictObject({ action: v.literal("release"), ...inBatch, ...release.entries }),
  v.strictObject({ action: v.literal("retire"), ...inBatch, ...retire.entries }),
]);
