/** What operators' tools may ask with: the query and the body of each route of operator-routes.ts. Anything else in them is refused. */
import * as v from "valibot";
import { machineFields, parseFieldSelector } from "../../core/fleet/machine-fields.ts";
import type { ActionName } from "../../core/fleet/operator-action.ts";
import { parseSelector, type SelectorResult } from "../../core/fleet/selector.ts";
import { isStreamName, parseImageName } from "../../core/image/image-name.ts";
import type { DetailsPatch } from "../../core/machine/event.ts";
import { type Mac, parseMac } from "../../core/net/mac.ts";
import { pinned } from "../same.ts";
import { machineAnswer } from "./answers.ts";
import { roles } from "./role.ts";
import { tokenNamePattern } from "./token.ts";

/** A whole number in a query, between two bounds. */
function wholeNumber(least: number, most: number) {
  return v.pipe(
    v.string(),
    v.regex(/^\d{1,15}$/, "meant is a whole number"),
    v.transform(Number),
    v.minValue(least, `meant is at least ${least}`),
    v.maxValue(most, `meant is at most ${most}`),
  );
}

export const noQuery = v.strictObject({});

/** A selector that is read as `parse` says; what is wrong in it stands in the refusal. */
function selectorOf(parse: (text: string) => SelectorResult, description: string) {
  return v.pipe(
    v.string(),
    v.description(description),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const result = parse(dataset.value);
      if (result.kind === "selector") return result.requirements;
      addIssue({ message: result.message });
      return NEVER;
    }),
  );
}

const labels = selectorOf(
  parseSelector,
  "tags: key=value, key!=value, key in (a,b), key notin (a,b), key, !key; commas mean and",
);
const where = selectorOf(
  parseFieldSelector,
  `the same over the fields ${Object.entries(machineFields)
    .map(([name, { says }]) => `${name} (${says})`)
    .join(", ")}`,
);

const views = Object.keys(machineAnswer.entries);
const fields = v.pipe(
  v.string(),
  v.description("keys of the machine, parted by commas: only these and the id are answered"),
  v.transform((text) => text.split(",").map((word) => word.trim())),
  v.array(v.picklist(views, `meant are some of ${views.join(", ")}`)),
);

/** Where a page ended: the id of its last machine, made unreadable so that nobody builds on it. */
const continueToken = v.pipe(
  v.string(),
  v.description("`continue` of the page before, as it is"),
  v.regex(/^[A-Za-z0-9_-]{4,120}$/, "meant is `continue` of the page before, as it is"),
);

export const listQuery = v.strictObject({
  labels: v.exactOptional(labels),
  where: v.exactOptional(where),
  fields: v.exactOptional(fields),
  limit: v.optional(wholeNumber(1, 5000), "500"),
  continue: v.exactOptional(continueToken),
});

export const eventsQuery = v.strictObject({ limit: v.optional(wholeNumber(1, 10_000), "50") });

/** A remark for whoever reads the record or the audit later. */
const text = v.pipe(v.string(), v.trim(), v.nonEmpty("meant is a reason"), v.maxLength(500));

const override = v.exactOptional(
  v.pipe(v.boolean(), v.description("also where more machines of a group are sent away than `blastRadius` allows")),
);

const restart = v.exactOptional(
  v.pipe(v.literal(true), v.description("also while a rebirth or clean is running: it stops and begins anew")),
);

/** What each action wants to know beside the machine. */
export const actionBodies = {
  rebirth: v.strictObject({
    mayMove: v.exactOptional(
      v.pipe(v.literal(true), v.description("it may come up at another place, by another name")),
    ),
    newRootDisk: v.exactOptional(
      v.pipe(
        v.strictObject({ selector: v.exactOptional(v.pipe(v.string(), v.nonEmpty(), v.maxLength(255))) }),
        v.description(
          "another root disk than the recorded one may be taken and erased: the one whose serial number, WWN or path is `selector`, or any",
        ),
      ),
    ),
    restart,
    override,
  }),
  clean: v.strictObject({ restart, override }),
  cancel: v.strictObject({}),
  hold: v.strictObject({ reason: text }),
  release: v.strictObject({
    wipe: v.exactOptional(
      v.pipe(v.literal(true), v.description("its first birth may erase what was found on its disks")),
    ),
  }),
  retire: v.strictObject({ reason: v.exactOptional(text) }),
} as const satisfies { readonly [A in ActionName]: v.GenericSchema };

/** So many machines at once at most. */
export const batchLimit = 10_000;

const selection = v.pipe(
  v.strictObject({
    names: v.exactOptional(
      v.pipe(
        v.array(v.pipe(v.string(), v.nonEmpty(), v.maxLength(255))),
        v.minLength(1, "meant is at least one machine"),
        v.maxLength(batchLimit, `meant are at most ${batchLimit} machines`),
      ),
    ),
    labels: v.exactOptional(labels),
    where: v.exactOptional(where),
  }),
  v.check(
    ({ names, labels, where }) => (names === undefined) !== (labels === undefined && where === undefined),
    "meant are `names`, or `labels` and `where`: a selection of nothing does not mean all",
  ),
);

const inBatch = {
  select: selection,
  dryRun: v.exactOptional(v.pipe(v.boolean(), v.description("only say what would be done"))),
} as const;
const { rebirth, clean, cancel, hold, release, retire } = actionBodies;

/** One action on many machines: all that may be sent away at once, or none. */
export const batchBody = v.variant("action", [
  v.strictObject({ action: v.literal("rebirth"), ...inBatch, ...rebirth.entries }),
  v.strictObject({ action: v.literal("clean"), ...inBatch, ...clean.entries }),
  v.strictObject({ action: v.literal("cancel"), ...inBatch, ...cancel.entries }),
  v.strictObject({ action: v.literal("hold"), ...inBatch, ...hold.entries }),
  v.strictObject({ action: v.literal("release"), ...inBatch, ...release.entries }),
  v.strictObject({ action: v.literal("retire"), ...inBatch, ...retire.entries }),
]);

const word = (least: number, most: number, meant: string) =>
  v.pipe(v.string(), v.regex(new RegExp(`^[A-Za-z0-9]([A-Za-z0-9._/-]{${least},${most}}[A-Za-z0-9])?$`), meant));
const tagName = word(0, 61, "meant is a tag's name: letters, digits and ._/- between them, at most 63");
const groupName = word(0, 61, "meant is a group's name: letters, digits and ._/- between them, at most 63");
const tagValue = v.pipe(
  v.string(),
  v.regex(/^[^\p{Cc},()=]{0,255}$/u, "meant is a text of at most 255 characters without , ( ) ="),
);
const imageName = v.pipe(
  v.string(),
  v.check(
    (text) => isStreamName(text) || parseImageName(text) !== undefined,
    "meant is an image such as compute or compute/3",
  ),
);
const macs = v.array(
  v.pipe(
    v.string(),
    v.check((text) => parseMac(text) !== undefined, "meant is a hardware address such as 52:54:00:00:00:01"),
    v.transform((text) => parseMac(text) as Mac),
  ),
);
const hostname = v.pipe(
  v.string(),
  v.regex(
    /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i,
    "meant is a host name: letters, digits and - between them, at most 63",
  ),
);
const portText = v.pipe(v.string(), v.nonEmpty(), v.maxLength(255));

/** A machine that is announced before it asks. */
export const createBody = v.pipe(
  v.strictObject({
    macs: v.optional(macs, []),
    place: v.exactOptional(v.strictObject({ switchName: portText, port: portText })),
    hostname: v.exactOptional(hostname),
    birth: v.exactOptional(
      v.pipe(v.literal(true), v.description("it is born wherever it asks; without, on a nursery, like any other")),
    ),
    tags: v.exactOptional(v.record(tagName, tagValue)),
    groups: v.exactOptional(v.array(groupName)),
    requiredImage: v.exactOptional(imageName),
    plannedImage: v.exactOptional(imageName),
    disableUpdates: v.exactOptional(v.literal(true)),
  }),
  v.check(({ macs, place }) => macs.length > 0 || place !== undefined, "meant is a machine with `macs` or a `place`"),
);

/** What of a machine an operator may say: a merge patch (RFC 7396), where null takes a value away. */
export const patchBody = pinned<DetailsPatch>()(
  v.pipe(
    v.strictObject({
      tags: v.exactOptional(v.nullable(v.record(tagName, v.nullable(tagValue)))),
      groups: v.exactOptional(v.nullable(v.array(groupName))),
      requiredImage: v.exactOptional(v.nullable(imageName)),
      plannedImage: v.exactOptional(v.nullable(imageName)),
      disableUpdates: v.exactOptional(v.nullable(v.boolean())),
      hostname: v.exactOptional(v.nullable(hostname)),
      macs: v.exactOptional(macs),
    }),
    v.check((patch) => Object.keys(patch).length > 0, "meant is at least one key to change"),
  ),
);

/** The machine whose name and place a newcomer takes. */
export const takeoverBody = v.strictObject({ from: v.pipe(v.string(), v.nonEmpty(), v.maxLength(255)) });

const yearSeconds = 31_622_400;

/** Who is to get a token. */
export const tokenBody = v.strictObject({
  name: v.pipe(
    v.string(),
    v.regex(tokenNamePattern, "meant is a name: lower-case letters, digits and - between them, at most 40"),
  ),
  role: v.picklist(roles, `meant is one of ${roles.join(", ")}`),
  expiresSeconds: v.exactOptional(
    v.pipe(v.number(), v.integer(), v.minValue(60), v.maxValue(10 * yearSeconds, "meant are at most ten years")),
  ),
});

export const auditQuery = v.strictObject({
  about: v.exactOptional(
    v.pipe(v.string(), v.nonEmpty(), v.maxLength(255), v.description("a machine, or the key of a document")),
  ),
  before: v.exactOptional(
    v.pipe(wholeNumber(0, Number.MAX_SAFE_INTEGER), v.description("`before` of the page before: only older entries")),
  ),
  limit: v.optional(wholeNumber(1, 1000), "100"),
});

export const changesQuery = v.strictObject({
  since: v.exactOptional(
    v.pipe(
      wholeNumber(0, Number.MAX_SAFE_INTEGER),
      v.description("only changes after this position; a Last-Event-ID header says it, too, and counts more"),
    ),
  ),
});
