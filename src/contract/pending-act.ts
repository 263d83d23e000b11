/**
 * An act on the files of a state directory, such as the import of an image, that the server of the directory has yet to write into the
 * audit. The process that acts has no MDB, and perhaps no server runs, so it leaves a file; unknown keys are read past.
 */
import * as v from "valibot";
import { reasonLimit } from "./operator/routes/route.ts";

const text = (longest: number) => v.pipe(v.string(), v.minLength(1), v.maxLength(longest));

export const pendingAct = v.object({
  /** The request's id in the audit: the act is written there once. */
  id: v.pipe(v.string(), v.regex(/^[0-9a-f]{8,32}$/)),
  action: text(100),
  subject: text(4200),
  by: text(200),
  atMs: v.pipe(v.number(), v.integer(), v.minValue(0)),
  reason: v.exactOptional(text(reasonLimit)),
  facts: v.record(v.string(), v.unknown()),
});
export type PendingAct = v.InferOutput<typeof pendingAct>;

/** The longest file of an act in bytes; a longer one is not read. */
export const pendingActBytes = 64 << 10;
