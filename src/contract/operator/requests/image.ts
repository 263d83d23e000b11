/** System images: their versions, what is collected, and which version a stream gives. */
import * as v from "valibot";
import { isStreamName, parseImageName } from "../../../core/image/image-name.ts";
import { wholeNumber } from "./values.ts";

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

/** How far an import is. */
export const importBody = v.strictObject({
  stream: v.pipe(v.string(), v.check(isStreamName, "expected the name of a stream such as compute")),
  paths: v.pipe(v.number(), v.integer(), v.minValue(0)),
  doneBytes: v.pipe(v.number(), v.integer(), v.minValue(0)),
  totalBytes: v.pipe(v.number(), v.integer(), v.minValue(0)),
  ended: v.exactOptional(v.literal(true)),
});
