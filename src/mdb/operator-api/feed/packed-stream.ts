import { promisify } from "node:util";
import { constants, deflateRaw, deflateRawSync } from "node:zlib";

/**
 * A gzip stream whose parts are compressed once for all watchers: each part ends at a byte and refers to nothing before it
 * (RFC 1951, a full flush), so that any parts after each other are one stream. It has no end: a feed is only ever cut off.
 */
const part = { level: 1, finishFlush: constants.Z_FULL_FLUSH };
const deflate = promisify(deflateRaw);

/** What a packed stream begins with (RFC 1952 §2.3): deflate, no name, no time, an unknown system. */
export const packedHead: Uint8Array = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255);

/** Compresses many bytes in a thread of Node's pool. */
export function packPart(bytes: Uint8Array): Promise<Uint8Array> {
  return deflate(bytes, part);
}

/** Compresses a few bytes at once. */
export function packSmallPart(bytes: Uint8Array): Uint8Array {
  return deflateRawSync(bytes, part);
}
