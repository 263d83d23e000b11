/** Machines: their list, their announcement, and changes of their details. */
import * as v from "valibot";
import { isStreamName, parseImageName } from "../../../core/image/image-name.ts";
import type { DetailsPatch } from "../../../core/machine/event.ts";
import { type Mac, parseMac } from "../../../core/net/mac.ts";
import { pinned } from "../../same.ts";
import { machineAnswer } from "../answers/machine.ts";
import { labels, where } from "./selection.ts";
import { wholeNumber } from "./values.ts";

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

/** The machine whose name and slot a newcomer takes over. */
export const takeoverBody = v.strictObject({ from: v.pipe(v.string(), v.nonEmpty(), v.maxLength(255)) });
