// Big-endian numbers at an offset. Bytes beyond the end count as zero; the caller has checked the length.

/** The byte at an offset. */
export function uint8At(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}

/** The unsigned 16-bit number at an offset. */
export function uint16At(bytes: Uint8Array, at: number): number {
  return (uint8At(bytes, at) << 8) | uint8At(bytes, at + 1);
}

/** The unsigned 32-bit number at an offset. */
export function uint32At(bytes: Uint8Array, at: number): number {
  return ((uint16At(bytes, at) << 16) | uint16At(bytes, at + 2)) >>> 0;
}
