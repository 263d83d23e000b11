/** A place in a byte array. The read functions below move it forward; none of them ever reads past the end. */
export type Cursor = { readonly bytes: Uint8Array; position: number };

/** A cursor at the start of the bytes. */
export function cursorOver(bytes: Uint8Array): Cursor {
  return { bytes, position: 0 };
}

/** How many bytes are left. */
export function remaining(cursor: Cursor): number {
  return cursor.bytes.length - cursor.position;
}

/** The next `count` bytes as a view (no copy), or undefined if fewer are left; the cursor then stays where it is. */
export function readBytes(cursor: Cursor, count: number): Uint8Array | undefined {
  if (count < 0 || count > remaining(cursor)) return undefined;
  const start = cursor.position;
  cursor.position = start + count;
  return cursor.bytes.subarray(start, cursor.position);
}

/** An unsigned big-endian number of `size` bytes (1 to 4), or undefined if fewer are left. */
export function readUnsigned(cursor: Cursor, size: 1 | 2 | 3 | 4): number | undefined {
  if (size > remaining(cursor)) return undefined;
  let value = 0;
  for (let count = 0; count < size; count += 1) value = value * 256 + (cursor.bytes[cursor.position + count] ?? 0);
  cursor.position += size;
  return value;
}

/** The bytes up to the next zero byte, which is stepped over; undefined if there is none. */
export function readZeroTerminated(cursor: Cursor): Uint8Array | undefined {
  const end = cursor.bytes.indexOf(0, cursor.position);
  if (end < 0) return undefined;
  const found = cursor.bytes.subarray(cursor.position, end);
  cursor.position = end + 1;
  return found;
}
