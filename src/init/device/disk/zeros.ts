import { sha512Bytes } from "../../system/sha512.ts";

/** The longest block that is compared. */
export const zeroBlockBytes = 2 ** 20;

/** A block of zeros to write; a shorter one is a part of it. */
export const zeroBlock = new Uint8Array(zeroBlockBytes);

const digests = new Map<number, string>();

/**
 * Whether all bytes are zero, of up to `zeroBlockBytes`. Hashes compare them, because JavaScript is slow at it; the hash of the zeros is
 * made once for each length.
 */
export function isZeros(bytes: Uint8Array): boolean {
  const { length } = bytes;
  const digest = digests.get(length) ?? sha512Bytes(zeroBlock.subarray(0, length));
  digests.set(length, digest);
  return sha512Bytes(bytes) === digest;
}
