import { sha256 } from "./sha256.ts";

const blockBytes = 64;

/** HMAC-SHA256 (RFC 2104) with a key of at most 64 bytes. */
export function hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array {
  const keyed = (pad: number, rest: Uint8Array): Uint8Array => {
    const bytes = new Uint8Array(blockBytes + rest.length).fill(pad, 0, blockBytes);
    for (const [index, byte] of key.entries()) bytes[index] = byte ^ pad;
    bytes.set(rest, blockBytes);
    return sha256(bytes);
  };
  return keyed(0x5c, keyed(0x36, message));
}
