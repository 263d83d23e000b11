import { textFromBytes } from "../bytes/text.ts";
import { decodeUtf8 } from "../bytes/utf8.ts";
import type { ReadDisk } from "../hardware/disk-contents.ts";

const mebibyte = 2 ** 20;

/** The first bytes of a LUKS header, and of the second copy that LUKS2 keeps. */
export const luksMagic = { first: "LUKS\xba\xbe", second: "SKUL\xba\xbe" } as const;

/**
 * The sizes that a copy of a LUKS2 header can have; the second copy begins where the first ends (LUKS2 On-Disk Format
 * 1.1.3, §2.2).
 */
const headerSizes = [16, 32, 64, 128, 256, 512, 1024, 2048, 4096].map((kibibytes) => kibibytes * 1024);
/** Where cryptsetup puts the second copy unless told otherwise. */
export const usualSecondAt = 16 * 1024;

/**
 * What is overwritten at least: with today's cryptsetup and Birther, header copies and key slots end there. Also where the
 * header does not say where they end.
 */
const leastBytes = 16 * mebibyte;
/** Two copies of 4 MiB, and the largest area of key slots that cryptsetup makes (LUKS2_MAX_KEYSLOTS_SIZE). */
const mostBytes = 136 * mebibyte;
/** Of LUKS1, the first two sectors have all that is read here. */
const luks1Bytes = 592;

/** A part of a disk, in bytes. */
export type Extent = { readonly start: number; readonly length: number };

/**
 * The extent of the LUKS header that begins at an offset of a disk, with both copies and the area of its key slots;
 * undefined if there is no copy. Throws the errors of `read`.
 */
export function luksExtent(read: ReadDisk, start: number, sizeBytes: number): Extent | undefined {
  const extent = (bytes: number): Extent => ({
    start,
    length: Math.min(Math.max(bytes, leastBytes), mostBytes, sizeBytes - start),
  });
  const first = read(start, luks1Bytes);
  if (textFromBytes(first, 0, 6) === luksMagic.first && first.length === luks1Bytes) {
    const view = new DataView(first.buffer, first.byteOffset, first.byteLength);
    // LUKS1: payload-offset, in sectors of 512 bytes.
    if (view.getUint16(6) === 1) return extent(view.getUint32(104) * 512);
    return extent(luks2Bytes(read, start, headerSizeOf(first)));
  }
  const size = headerSizes.find((bytes) => textFromBytes(read(start + bytes, 6)) === luksMagic.second);
  return size === undefined ? undefined : extent(luks2Bytes(read, start + size, size));
}

function headerSizeOf(copy: Uint8Array): number {
  const view = new DataView(copy.buffer, copy.byteOffset, copy.byteLength);
  return view.getUint32(8) * 2 ** 32 + view.getUint32(12);
}

/** Both copies and the key slots, as the JSON of a copy at `at` says; 0 if it cannot be read. */
function luks2Bytes(read: ReadDisk, at: number, headerBytes: number): number {
  if (!headerSizes.includes(headerBytes)) return 0;
  const json = read(at + 4096, headerBytes - 4096);
  const end = json.indexOf(0);
  try {
    const facts: unknown = JSON.parse(decodeUtf8(end < 0 ? json : json.subarray(0, end)));
    const config = memberOf(facts, "config");
    const slots = Number(memberOf(config, "keyslots_size"));
    return Number.isFinite(slots) ? 2 * headerBytes + slots : 0;
  } catch {
    return 0;
  }
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

/** Extents that do not overlap and cover the same bytes, in order. */
export function mergedExtents(extents: readonly Extent[]): readonly Extent[] {
  const merged: Extent[] = [];
  for (const { start, length } of [...extents].sort((left, right) => left.start - right.start)) {
    const last = merged[merged.length - 1];
    if (last === undefined || start > last.start + last.length) merged.push({ start, length });
    else merged[merged.length - 1] = { start: last.start, length: Math.max(last.length, start + length - last.start) };
  }
  return merged;
}

/**
 * Besides disk and partitions, every multiple of this is looked at, `scannedMebibytes` times: the root of every layout of
 * Birther began at a mebibyte, after an ESP and a boot partition whose sizes the configuration gave then.
 */
export const scannedMebibytes = 2048;
