/** A position in a byte array. The functions below advance it; none reads beyond the end. */
export type Cursor = { readonly bytes: Uint8Array; position: number };

/** A cursor at the start of the bytes. */
export function cursorOver(bytes: Uint8Array): Cursor {
  return { bytes, position: 0 };
}

/** Number of bytes left. */
export function remaining(cursor: Cursor): number {
  return cursor.bytes.length - cursor.position;
}

/** Reads `count` bytes as a view (no copy); undefined if fewer are left, and the cursor does not move. */
export function readBytes(cursor: Cursor, count: number): Uint8Array | undefined {
  if (count < 0 || count > remaining(cursor)) return undefined;
  const start = cursor.position;
  cursor.position = start + count;
  return cursor.bytes.subarray(start, cursor.position);
}

/** Reads an unsigned big-endian number of `size` bytes (1 to 4); undefined if fewer are left. */
export function readUnsigned(cursor: Cursor, size: 1 | 2 | 3 | 4): number | undefined {
  if (size > remaining(cursor)) return undefined;
  let value = 0;
  for (let count = 0; count < size; count += 1) value = value * 256 + (cursor.bytes[cursor.position + count] ?? 0);
  cursor.position += size;
  return value;
}

/** Reads the bytes up to the next zero byte and skips it; undefined if there is none. */
export function readZeroTerminated(cursor: Cursor): Uint8Array | undefined {
  const end = cursor.bytes.indexOf(0, cursor.position);
  if (end < 0) return undefined;
  const found = cursor.bytes.subarray(cursor.position, end);
  cursor.position = end + 1;
  return found;
}
