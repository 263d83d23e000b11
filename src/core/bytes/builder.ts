/** Collects bytes for the wire; grows as needed. */
export type Builder = { bytes: Uint8Array; length: number };

/** An empty builder with room for `capacity` bytes before it has to grow. */
export function createBuilder(capacity = 576): Builder {
  return { bytes: new Uint8Array(Math.max(16, capacity)), length: 0 };
}

/** Appends bytes as they are. */
export function putBytes(builder: Builder, bytes: Uint8Array): void {
  reserve(builder, bytes.length);
  builder.bytes.set(bytes, builder.length);
  builder.length += bytes.length;
}

/** Appends an unsigned big-endian number of `size` bytes; higher bits than fit are cut off. */
export function putUnsigned(builder: Builder, value: number, size: 1 | 2 | 3 | 4): void {
  reserve(builder, size);
  for (let shift = (size - 1) * 8; shift >= 0; shift -= 8) {
    builder.bytes[builder.length] = (value >>> shift) & 255;
    builder.length += 1;
  }
}

/** Appends text, one byte a character (text.ts), at most `limit` of them; a character beyond 255 becomes `?`. */
export function putText(builder: Builder, text: string, limit: number = text.length): void {
  const length = Math.min(text.length, limit);
  reserve(builder, length);
  const { bytes, length: start } = builder;
  for (let index = 0; index < length; index += 1) {
    const code = text.charCodeAt(index);
    bytes[start + index] = code <= 255 ? code : 63;
  }
  builder.length += length;
}

/** Appends zeros until the whole is `length` bytes long; does nothing if it already is longer. */
export function padTo(builder: Builder, length: number): void {
  if (length <= builder.length) return;
  reserve(builder, length - builder.length);
  builder.bytes.fill(0, builder.length, length);
  builder.length = length;
}

/** A copy of what was built. */
export function builtBytes(builder: Builder): Uint8Array {
  return builder.bytes.slice(0, builder.length);
}

/** What was built, without a copy: nothing may be put into the builder any more. */
export function finishedBytes(builder: Builder): Uint8Array {
  return builder.bytes.subarray(0, builder.length);
}

function reserve(builder: Builder, count: number): void {
  const needed = builder.length + count;
  if (needed <= builder.bytes.length) return;
  const larger = new Uint8Array(Math.max(needed, builder.bytes.length * 2));
  larger.set(builder.bytes.subarray(0, builder.length));
  builder.bytes = larger;
}
