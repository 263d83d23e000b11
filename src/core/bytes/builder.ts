/** Collects bytes for the wire and grows as needed. */
export type Builder = { bytes: Uint8Array; length: number };

/** Makes an empty builder with room for `capacity` bytes before it has to grow. */
export function createBuilder(capacity = 576): Builder {
  return { bytes: new Uint8Array(Math.max(16, capacity)), length: 0 };
}

/** Appends bytes unchanged. */
export function putBytes(builder: Builder, bytes: Uint8Array): void {
  reserve(builder, bytes.length);
  builder.bytes.set(bytes, builder.length);
  builder.length += bytes.length;
}

/** Appends an unsigned big-endian number of `size` bytes; higher bits are cut off. */
export function putUnsigned(builder: Builder, value: number, size: 1 | 2 | 3 | 4): void {
  reserve(builder, size);
  for (let shift = (size - 1) * 8; shift >= 0; shift -= 8) {
    builder.bytes[builder.length] = (value >>> shift) & 255;
    builder.length += 1;
  }
}

/** Appends text, one byte per character (text.ts), at most `limit` bytes; a character beyond 255 becomes `?`. */
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

/** Appends zeros up to a total length of `length` bytes; has no effect if the content is longer. */
export function padTo(builder: Builder, length: number): void {
  if (length <= builder.length) return;
  reserve(builder, length - builder.length);
  builder.bytes.fill(0, builder.length, length);
  builder.length = length;
}

/** Returns a copy of the content. */
export function builtBytes(builder: Builder): Uint8Array {
  return builder.bytes.slice(0, builder.length);
}

/** Returns the content without a copy; nothing may be appended afterwards. */
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
