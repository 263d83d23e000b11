import { textFromBytes } from "../bytes/text.ts";
import type { ReadDisk } from "../hardware/disk-contents.ts";

/** The sectors that disks have, in bytes; a table is found whatever the disk is formatted to now. */
const sectorSizes = [512, 4096] as const;
/** Entries of a GPT, and logical partitions of an MBR, that are looked at: four times what sfdisk makes. */
const mostEntries = 512;
const mostLogical = 128;
/** The sectors of an MBR are of this size on every disk that a BIOS starts. */
const mbrSectorBytes = 512;
/** Types of an extended partition: CHS, LBA, Linux. */
const extendedTypes: ReadonlySet<number> = new Set([0x05, 0x0f, 0x85]);

/**
 * Where the partitions of a disk's tables begin, in bytes, each once: both copies of a GPT (UEFI 2.10 §5.3), with a wrong
 * checksum as well, and primary and logical partitions of an MBR. Throws the errors of `read`.
 */
export function partitionStarts(read: ReadDisk, sizeBytes: number): readonly number[] {
  const starts = sectorSizes.flatMap((sectorBytes) => [
    ...gptStarts(read, sectorBytes, sectorBytes),
    ...gptStarts(read, sizeBytes - sectorBytes, sectorBytes),
  ]);
  return [...new Set([...starts, ...mbrStarts(read)])].filter((start) => start > 0 && start < sizeBytes);
}

function gptStarts(read: ReadDisk, at: number, sectorBytes: number): readonly number[] {
  if (at < 0) return [];
  const header = read(at, 92);
  if (header.length < 92 || textFromBytes(header, 0, 8) !== "EFI PART") return [];
  const view = viewOf(header);
  const entriesAt = wordsAt(view, 72) * sectorBytes;
  const count = Math.min(view.getUint32(80, true), mostEntries);
  const entryBytes = view.getUint32(84, true);
  if (entryBytes < 128 || entryBytes > 4096) return [];
  const entries = read(entriesAt, count * entryBytes);
  const starts: number[] = [];
  for (let entry = 0; entry + 128 <= entries.length; entry += entryBytes)
    if (entries.subarray(entry, entry + 16).some((byte) => byte !== 0))
      starts.push(wordsAt(viewOf(entries), entry + 32) * sectorBytes);
  return starts;
}

type MbrEntry = { readonly type: number; readonly first: number };

function mbrStarts(read: ReadDisk): readonly number[] {
  const primary = mbrEntries(read, 0);
  const extended = primary.find(({ type }) => extendedTypes.has(type));
  const starts = primary.map(({ first }) => first);
  // Each logical partition has a table of its own, which points to the next one, both from the extended partition on.
  let table = extended?.first;
  for (let seen = 0; table !== undefined && seen < mostLogical; seen += 1) {
    const here: number = table;
    const entries = mbrEntries(read, here);
    starts.push(...entries.filter(({ type }) => !extendedTypes.has(type)).map(({ first }) => here + first));
    const next = entries.find(({ type }) => extendedTypes.has(type));
    table = next === undefined ? undefined : (extended?.first ?? 0) + next.first;
  }
  return starts.map((first) => first * mbrSectorBytes);
}

function mbrEntries(read: ReadDisk, sector: number): readonly MbrEntry[] {
  const table = read(sector * mbrSectorBytes, mbrSectorBytes);
  if (table[510] !== 0x55 || table[511] !== 0xaa) return [];
  const view = viewOf(table);
  return [446, 462, 478, 494]
    .map((at) => ({ type: table[at + 4] ?? 0, first: view.getUint32(at + 8, true) }))
    .filter(({ type, first }) => type !== 0 && first !== 0);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A number of 64 bits, little-endian; inexact beyond 2^53, where no disk is. */
function wordsAt(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
}
