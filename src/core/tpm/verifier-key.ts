import { cursorOver, readBytes } from "../bytes/cursor.ts";

/** A point on P-256. */
export type PublicPoint = { readonly x: Uint8Array; readonly y: Uint8Array };

/** SubjectPublicKeyInfo of a P-256 key in DER (RFC 5480), up to its point: ecPublicKey, prime256v1, BIT STRING of 04 x y. */
const keyHead = Uint8Array.from(
  [0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86].concat([
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
  ]),
);

/** The P-256 key in a certificate (DER); undefined if it has another kind of key. */
export function pointInCertificate(der: Uint8Array): PublicPoint | undefined {
  for (let at = 0; at + keyHead.length <= der.length; at += 1) {
    if (!keyHead.every((byte, index) => der[at + index] === byte)) continue;
    const from = cursorOver(der.subarray(at + keyHead.length));
    const [x, y] = [readBytes(from, 32)?.slice(), readBytes(from, 32)?.slice()];
    return x === undefined || y === undefined ? undefined : { x, y };
  }
  return undefined;
}
