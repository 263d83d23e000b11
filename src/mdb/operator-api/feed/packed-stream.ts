import { promisify } from "node:util";
import { constants, crc32, deflateRaw, deflateRawSync } from "node:zlib";
import { crcShift, joinCrc } from "../../../core/bytes/crc32-join.ts";

/**
 * A gzip stream whose parts are compressed once for all watchers: each part ends at a byte and refers to nothing before it
 * (RFC 1951, a full flush), so that any parts after each other are one stream. Its end says the checksum of all of them, which
 * is joined from those of the parts: computing it again for each of 50 watchers would cost 1 ms for every MB and watcher.
 */
export type PackedPart = {
  readonly bytes: Uint8Array;
  /** Of what it unpacks to. */
  readonly crc: number;
  readonly length: number;
  /** What joins its checksum to that of the bytes before it. */
  readonly shift: number;
};

const options = { level: 1, finishFlush: constants.Z_FULL_FLUSH };
const deflate = promisify(deflateRaw);

/** What a packed stream begins with (RFC 1952 §2.3): deflate, no name, no time, an unknown system. */
export const packedHead: Uint8Array = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255);

/** Compresses many bytes in a thread of Node's pool. */
export async function packPart(bytes: Uint8Array): Promise<PackedPart> {
  return partOf(bytes, await deflate(bytes, options));
}

/** Compresses a few bytes at once. */
export function packSmallPart(bytes: Uint8Array): PackedPart {
  return partOf(bytes, deflateRawSync(bytes, options));
}

function partOf(bytes: Uint8Array, packed: Uint8Array): PackedPart {
  return { bytes: packed, crc: crc32(bytes), length: bytes.length, shift: crcShift(bytes.length) };
}

/** Several parts as one. */
export function joinParts(parts: readonly PackedPart[]): PackedPart {
  let { crc, length } = noBytes;
  for (const part of parts) ({ crc, length } = after({ crc, length }, part));
  return { bytes: Buffer.concat(parts.map(({ bytes }) => bytes)), crc, length, shift: crcShift(length) };
}

/** What a watcher has been sent: its checksum, and its length modulo 2³². */
export type SentBytes = Pick<PackedPart, "crc" | "length">;

/** The checksum of nothing. */
export const noBytes: SentBytes = { crc: 0, length: 0 };

/** What has been sent with one part more. */
export function after({ crc, length }: SentBytes, part: PackedPart): SentBytes {
  return { crc: joinCrc(crc, part), length: (length + part.length) % 2 ** 32 };
}

/** The end of a packed stream: an empty last block (RFC 1951 §3.2.6), checksum and length (RFC 1952 §2.3.1). */
export function packedEnd({ crc, length }: SentBytes): Uint8Array {
  const end = Buffer.alloc(10);
  end.set([0x03, 0x00]);
  end.writeUInt32LE(crc, 2);
  end.writeUInt32LE(length, 6);
  return end;
}
