import * as v from "valibot";

const key = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

/** What a machine needs to serve others: keys in hex, the present one first, and the limit of its upload in bytes a second. */
export const serving = {
  peerKeys: v.pipe(v.array(key), v.minLength(1), v.maxLength(2)),
  uploadBytesPerSecond: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1))),
} as const;
