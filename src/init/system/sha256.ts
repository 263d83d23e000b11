import * as host from "host";

const digestBytes = 32;

/** The SHA-256 of bytes in memory. Comparing a boot calls it some ten thousand times. */
export function sha256(bytes: Uint8Array): Uint8Array {
  const hex = host.sha256(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length);
  const digest = new Uint8Array(digestBytes);
  for (let index = 0; index < digestBytes; index += 1)
    digest[index] = Number.parseInt(hex.slice(2 * index, 2 * index + 2), 16);
  return digest;
}
