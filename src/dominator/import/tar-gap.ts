import { type PaxRecords, readPaxRecords } from "./pax.ts";

/** Size of a tar block: headers and the padding of contents. */
export const tarBlock = 512;

/** A pax header or a long name larger than this is an attack or damage. */
const maxExtensionBytes = 1 << 20;

/** The blocks between the content of one member of an archive and that of the next. */
export type TarGap =
  /** The header block of a member; pax records for it alone, and for all following members. */
  | {
      readonly kind: "member";
      readonly block: Buffer;
      readonly local: PaxRecords;
      readonly global: PaxRecords;
    }
  /** A block of zeros: whatever follows it does not belong to the archive. */
  | { readonly kind: "endMark" }
  | { readonly kind: "cut" };

/**
 * Reads the blocks of a gap. The library may not have checked them: after a failure this still tells which part is
 * missing.
 */
export function readGap(bytes: Buffer): TarGap {
  let local: PaxRecords = new Map();
  let global: PaxRecords = new Map();
  for (let offset = 0; offset + tarBlock <= bytes.length; ) {
    const block = bytes.subarray(offset, offset + tarBlock);
    if (block.every((byte) => byte === 0)) return { kind: "endMark" };
    const flag = typeFlag(block);
    if (!"xgLKN".includes(flag)) return { kind: "member", block, local, global };
    const size = numberField(block, 124, 12);
    if (size > maxExtensionBytes)
      throw new Error(`an extended header is too large: expected at most ${maxExtensionBytes} bytes, found ${size}`);
    const start = offset + tarBlock;
    offset = start + Math.ceil(size / tarBlock) * tarBlock;
    if (offset > bytes.length) return { kind: "cut" };
    if (flag === "x") local = readPaxRecords(bytes.subarray(start, start + size));
    if (flag === "g") global = new Map([...global, ...readPaxRecords(bytes.subarray(start, start + size))]);
  }
  return { kind: "cut" };
}

/**
 * POSIX type flag of a header block: `0` file, `1` hard link, … ; `x g L K N` extend the next; NUL is an old form of
 * `0`.
 */
export function typeFlag(block: Buffer): string {
  return block[156] === 0 ? "0" : block.toString("latin1", 156, 157);
}

/** A number of a header block: octal digits, or GNU's base 256 if the top bit is set. Throws if it is neither. */
function numberField(block: Buffer, offset: number, length: number): number {
  requireNumber(block, offset, length);
  if (((block[offset] ?? 0) & 0x80) !== 0) return block.readUIntBE(offset + length - 6, 6);
  return Number.parseInt(fieldText(block, offset, length) || "0", 8);
}

/**
 * Throws unless a field holds octal digits or a non-negative base-256 number: the library reads `12x` as 12 and -1 as
 * 0.
 */
export function requireNumber(block: Buffer, offset: number, length: number): void {
  if (isNegative(block, offset)) throw new Error("tar header: expected a count, found a negative number");
  if (((block[offset] ?? 0) & 0x80) !== 0) return;
  const digits = fieldText(block, offset, length);
  if (!/^[0-7]*$/.test(digits))
    throw new Error(`tar header: expected an octal number, found ${JSON.stringify(digits)}`);
}

/** Whether a field holds a base-256 number below zero. */
export function isNegative(block: Buffer, offset: number): boolean {
  return ((block[offset] ?? 0) & 0xc0) === 0xc0;
}

function fieldText(block: Buffer, offset: number, length: number): string {
  return block
    .toString("latin1", offset, offset + length)
    .replace(/[\0 ]+/g, " ")
    .trim();
}
