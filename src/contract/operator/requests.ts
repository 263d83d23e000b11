/** The query and the body of each route in routes.ts; unknown keys are refused. */
import * as v from "valibot";
import { sanitizeWishes } from "../../core/erasure/erase-wish.ts";
import { machineFields, parseFieldSelector } from "../../core/fleet/machine-fields.ts";
import type { ActionName } from "../../core/fleet/operator-action.ts";
import { usualPace } from "../../core/fleet/reboot-pace.ts";
import { parseSelector, type SelectorResult } from "../../core/fleet/selector.ts";
import { isStreamName, parseImageName } from "../../core/image/image-name.ts";
import type { DetailsPatch } from "../../core/machine/event.ts";
import { type Mac, parseMac } from "../../core/net/mac.ts";
import { roles } from "../../core/role.ts";
import { pinned } from "../same.ts";
import { machineAnswer } from "./answers/machine.ts";
import { tokenNamePattern } from "./token.ts";

/** A whole number in a query, between two bounds. */
function wholeNumber(least: number, most: number) {
  return v.pipe(
    v.string(),
    v.regex(/^\d{1,15}$/, "expected a whole number"),
    v.transform(Number),
    v.minValue(least, `expected at least ${least}`),
    v.maxValue(most, `expected at most ${most}`),
  );
}

export const noQuery = v.strictObject({});

const version = wholeNumber(1, 999_999_999);
export const versionQuery = v.strictObject({ version });
export const differenceQuery = v.strictObject({
  version,
  from: v.pipe(
    v.string(),
    v.check((text) => parseImageName(text) !== undefined, "expected an image such as compute/3"),
    v.description("the image to compare with, such as compute/3"),
  ),
});
export const removeBody = v.strictObject({ version: v.pipe(v.number(), v.integer(), v.minValue(1)) });

export const collectBody = v.strictObject({
  dryRun: v.exactOptional(v.pipe(v.boolean(), v.description("say what would be removed, and remove nothing"))),
});

/** A selector that `parse` reads; its fault becomes the message of the refusal. */
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
  "select by tags: key=value, key!=value, key in (a,b), key notin (a,b), key, !key; a comma means and",
);
const where = selectorOf(
  parseFieldSelector,
  `select by fields, with the same syntax: ${Object.entries(machineFields)
    .map(([name, { about }]) => `${name} (${about})`)
    .join(", ")}`,
);

const views = Object.keys(machineAnswer.entries);
const fields = v.pipe(
  v.string(),
  v.description("keys of the machine, separated by commas: the answer has only these and the id"),
  v.transform((text) => text.split(",").map((word) => word.trim())),
  v.array(v.picklist(views, `expected some of ${views.join(", ")}`)),
);

/** The end of a page: the id of its last machine, encoded so that callers do not depend on its content. */
const continueToken = v.pipe(
  v.string(),
  v.description("`continue` of the previous page, unchanged"),
  v.regex(/^[A-Za-z0-9_-]{4,120}$/, "expected `continue` of the previous page, unchanged"),
);

export const listQuery = v.strictObject({
  labels: v.exactOptional(labels),
  where: v.exactOptional(where),
  fields: v.exactOptional(fields),
  limit: v.optional(wholeNumber(1, 5000), "500"),
  continue: v.exactOptional(continueToken),
});

export const eventsQuery = v.strictObject({ limit: v.optional(wholeNumber(1, 10_000), "50") });

/** Which lines of a machine's log. */
export const logQuery = v.strictObject({
  boot: v.exactOptional(
    v.pipe(
      v.string(),
      v.regex(/^-?\d{1,4}$/, "expected the number of a boot, such as 0, -1 or 1"),
      v.transform(Number),
      v.description("only this boot: 0 is the latest, -1 the one before it, 1 the oldest that is kept"),
    ),
  ),
  sinceMs: v.exactOptional(v.pipe(wholeNumber(0, Number.MAX_SAFE_INTEGER), v.description("from this time on"))),
  afterMs: v.exactOptional(
    v.pipe(wholeNumber(0, Number.MAX_SAFE_INTEGER), v.description("`atMs` of the last line that the caller has")),
  ),
});

/** A selection of machines, without pages. */
export const selectionQuery = v.strictObject({ labels: v.exactOptional(labels), where: v.exactOptional(where) });

const timeMs = v.pipe(wholeNumber(0, Number.MAX_SAFE_INTEGER), v.description("milliseconds since 1970"));
export const fleetEventsQuery = v.pipe(
  v.strictObject({
    ...selectionQuery.entries,
    since: v.exactOptional(
      v.pipe(wholeNumber(0, Number.MAX_SAFE_INTEGER), v.description("only changes after this position of the feed")),
    ),
    sinceMs: v.exactOptional(
      v.pipe(timeMs, v.description("only changes from this time on, in milliseconds since 1970")),
    ),
    limit: v.optional(wholeNumber(1, 5000), "500"),
  }),
  v.check(
    ({ since, sinceMs }) => (since === undefined) !== (sinceMs === undefined),
    "expected one of since and sinceMs",
  ),
);

/** A reason, shown in the record and the audit. */
const text = v.pipe(v.string(), v.trim(), v.nonEmpty("expected a reason"), v.maxLength(500));

const override = v.exactOptional(
  v.pipe(v.boolean(), v.description("exceed the blast radius of a group (`blastRadius`)")),
);

const restart = v.exactOptional(
  v.pipe(v.literal(true), v.description("also while a rebirth or clean is running: it stops and starts again")),
);

/** A body without keys. */
export const emptyBody = v.strictObject({});

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

const label = (least: number, most: number, expected: string) =>
  v.pipe(v.string(), v.regex(new RegExp(`^[A-Za-z0-9]([A-Za-z0-9._/-]{${least},${most}}[A-Za-z0-9])?$`), expected));
const tagName = label(0, 61, "expected a tag name of at most 63 letters, digits and . _ / -");
const groupName = label(0, 61, "expected a group name of at most 63 letters, digits and . _ / -");
const tagValue = v.pipe(
  v.string(),
  v.regex(/^[^\p{Cc},()=]{0,255}$/u, "expected a text of at most 255 characters without , ( ) ="),
);
const imageName = v.pipe(
  v.string(),
  v.check(
    (text) => isStreamName(text) || parseImageName(text) !== undefined,
    "expected an image such as compute or compute/3",
  ),
);
/** One version of a stream: what is forced must not mean another image tomorrow. */
const exactImageName = v.pipe(
  v.string(),
  v.check(
    (text) => parseImageName(text) !== undefined,
    (issue) => `expected one version of an image such as compute/3, found ${JSON.stringify(issue.input)}`,
  ),
);
const macs = v.array(
  v.pipe(
    v.string(),
    v.check((text) => parseMac(text) !== undefined, "expected a MAC address such as 52:54:00:00:00:01"),
    v.transform((text) => parseMac(text) as Mac),
  ),
);
const hostname = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i, "expected a hostname of at most 63 letters, digits and -"),
);
const portText = v.pipe(v.string(), v.nonEmpty(), v.maxLength(255));

/** The announcement of a machine before its first PXE request. */
export const createBody = v.pipe(
  v.strictObject({
    macs: v.optional(macs, []),
    place: v.exactOptional(v.strictObject({ switchName: portText, port: portText })),
    hostname: v.exactOptional(hostname),
    birth: v.exactOptional(
      v.pipe(v.literal(true), v.description("start its birth on any network; without this, only on a nursery")),
    ),
    tags: v.exactOptional(v.record(tagName, tagValue)),
    groups: v.exactOptional(v.array(groupName)),
    requiredImage: v.exactOptional(imageName),
    plannedImage: v.exactOptional(imageName),
    disableUpdates: v.exactOptional(v.literal(true)),
  }),
  v.check(({ macs, place }) => macs.length > 0 || place !== undefined, "expected a machine with `macs` or a `place`"),
);

/** A change of the details of a machine: a merge patch (RFC 7396), where null removes a value. */
export const patchBody = pinned<DetailsPatch>()(
  v.pipe(
    v.strictObject({
      tags: v.exactOptional(v.nullable(v.record(tagName, v.nullable(tagValue)))),
      groups: v.exactOptional(v.nullable(v.array(groupName))),
      requiredImage: v.exactOptional(v.nullable(imageName)),
      plannedImage: v.exactOptional(v.nullable(imageName)),
      forcedImage: v.exactOptional(v.nullable(exactImageName)),
      disableUpdates: v.exactOptional(v.nullable(v.boolean())),
      hostname: v.exactOptional(v.nullable(hostname)),
      place: v.exactOptional(v.nullable(v.strictObject({ switchName: portText, port: portText }))),
      macs: v.exactOptional(macs),
    }),
    v.check((patch) => Object.keys(patch).length > 0, "expected at least one key to change"),
  ),
);

/** The version to promote: one machine first, then all. */
export const promoteBody = v.strictObject({
  version: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(999_999_999)),
  canary: v.exactOptional(
    v.pipe(v.string(), v.nonEmpty(), v.maxLength(255), v.description("the machine that gets the version first")),
  ),
  all: v.exactOptional(
    v.pipe(v.literal(true), v.description("make the version current once the first machine is up with it")),
  ),
  skipCanary: v.exactOptional(v.pipe(v.literal(true), v.description("with `all`: no machine tries the version first"))),
});

/** The machine whose name and slot a newcomer takes over. */
export const takeoverBody = v.strictObject({ from: v.pipe(v.string(), v.nonEmpty(), v.maxLength(255)) });

const yearSeconds = 31_622_400;

/** The token to create. */
export const tokenBody = v.strictObject({
  name: v.pipe(v.string(), v.regex(tokenNamePattern, "expected a name of at most 40 lower-case letters, digits and -")),
  role: v.picklist(roles, `expected one of ${roles.join(", ")}`),
  expiresSeconds: v.exactOptional(
    v.pipe(v.number(), v.integer(), v.minValue(60), v.maxValue(10 * yearSeconds, "expected at most ten years")),
  ),
});

/** What opens a session: exactly one of a token and the secret of a one-time link. */
export const sessionBody = v.union(
  [
    v.strictObject({ token: v.pipe(v.string(), v.maxLength(200)) }),
    v.strictObject({ link: v.pipe(v.string(), v.maxLength(200)) }),
  ],
  "expected either token or link",
);

/** The role of the session that a link opens. */
export const linkBody = v.strictObject({
  role: v.optional(v.picklist(roles, `expected one of ${roles.join(", ")}`), "admin"),
});

/** How far an import is. */
export const importBody = v.strictObject({
  stream: v.pipe(v.string(), v.check(isStreamName, "expected the name of a stream such as compute")),
  paths: v.pipe(v.number(), v.integer(), v.minValue(0)),
  doneBytes: v.pipe(v.number(), v.integer(), v.minValue(0)),
  totalBytes: v.pipe(v.number(), v.integer(), v.minValue(0)),
  ended: v.exactOptional(v.literal(true)),
});

export const auditQuery = v.strictObject({
  request: v.exactOptional(
    v.pipe(v.string(), v.nonEmpty(), v.maxLength(100), v.description("the id of a request, as entries have it")),
  ),
  about: v.exactOptional(
    v.pipe(v.string(), v.nonEmpty(), v.maxLength(255), v.description("a machine, or the key of a document")),
  ),
  before: v.exactOptional(
    v.pipe(wholeNumber(0, Number.MAX_SAFE_INTEGER), v.description("`before` of the page before: only older entries")),
  ),
  limit: v.optional(wholeNumber(1, 1000), "100"),
});

export const erasuresQuery = v.strictObject({
  serial: v.exactOptional(
    v.pipe(v.string(), v.nonEmpty(), v.maxLength(255), v.description("serial number or WWN of a disk, in full")),
  ),
  machine: v.exactOptional(
    v.pipe(v.string(), v.nonEmpty(), v.maxLength(255), v.description("a machine, or the id of a retired one")),
  ),
  sinceMs: v.exactOptional(
    v.pipe(timeMs, v.description("only erasures from this time on, in milliseconds since 1970")),
  ),
  before: v.exactOptional(
    v.pipe(wholeNumber(0, Number.MAX_SAFE_INTEGER), v.description("`before` of the page before: only older ones")),
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
