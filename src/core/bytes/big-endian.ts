// Numbers at a place in bytes, in the order of the wire. What lies past the end counts as zero; the caller has checked the length.

/** The byte at a place. */
export function uint8At(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}

/** The unsigned number in the two bytes from a place on. */
export function uint16At(bytes: Uint8Array, at: number): number {
  return (uint8At(bytes, at) << 8) | uint8At(bytes, at + 1);
}

/** The unsigned number in the four bytes from a place on. */
export function uint32At(bytes: Uint8Array, at: number): number {
  return ((uint16At(bytes, at) << 16) | uint16At(bytes, at + 2)) >>> 0;
}
