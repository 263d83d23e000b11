import { builtBytes, createBuilder, putBytes, putUnsigned } from "../../bytes/builder.ts";
import { cursorOver, readBytes, readUnsigned, remaining } from "../../bytes/cursor.ts";

/** Options inside an option: 43 (RFC 2132 §8.4, PXE 2.1) and iPXE's 175 have the same format. */
export type SubOptions = ReadonlyMap<number, Uint8Array>;

const endCode = 255;

/**
 * Reads sub-options as far as they are well formed; the rest is ignored, because they are only evidence. In option 82 the codes
 * 0 and 255 are sub-options like any other (RFC 3046 §2.0: no pad, no end).
 */
export function readSubOptions(bytes: Uint8Array, end: "end" | "noEnd" = "end"): SubOptions {
  const found = new Map<number, Uint8Array>();
  const cursor = cursorOver(bytes);
  while (remaining(cursor) > 0) {
    const code = readUnsigned(cursor, 1);
    if (code === undefined) break;
    if (end === "end" && code === endCode) break;
    if (end === "end" && code === 0) continue;
    const length = readUnsigned(cursor, 1);
    const value = length === undefined ? undefined : readBytes(cursor, length);
    if (value === undefined) break;
    found.set(code, value);
  }
  return found;
}

/** Writes sub-options with the final 255 that PXE 2.1 requires. Values of more than 255 bytes are truncated. */
export function writeSubOptions(subOptions: SubOptions): Uint8Array {
  const builder = createBuilder(64);
  for (const [code, value] of subOptions) {
    const piece = value.subarray(0, 255);
    putUnsigned(builder, code, 1);
    putUnsigned(builder, piece.length, 1);
    putBytes(builder, piece);
  }
  putUnsigned(builder, endCode, 1);
  return builtBytes(builder);
}
