// Little-endian numbers at an offset, as ATA and NVMe have them. Bytes beyond the end count as zero.

/** The unsigned number of `size` bytes (1 to 16) at an offset; above 2^53 it is rounded. */
export function unsignedAt(bytes: Uint8Array, at: number, size: number): number {
  let value = 0;
  for (let byte = size - 1; byte >= 0; byte -= 1) value = value * 256 + (bytes[at + byte] ?? 0);
  return value;
}
