import assert from "node:assert/strict";
import { test } from "node:test";
import type { ReadDisk } from "../hardware/disk-contents.ts";
import { partitionStarts } from "./partition-starts.ts";

const diskBytes = 2 ** 24;

function disk(...pieces: readonly (readonly [at: number, bytes: Uint8Array])[]): ReadDisk {
  const bytes = new Uint8Array(diskBytes);
  for (const [at, piece] of pieces) bytes.set(piece, at);
  return (offset, length) => bytes.slice(offset, Math.max(offset, offset + length));
}

function gpt(entriesAt: number, count = 128, entryBytes = 128): Uint8Array {
  const header = Buffer.alloc(92);
  header.write("EFI PART", "latin1");
  header.writeBigUInt64LE(BigInt(entriesAt), 72);
  header.writeUInt32LE(count, 80);
  header.writeUInt32LE(entryBytes, 84);
  return header;
}

function gptEntries(...starts: readonly number[]): Uint8Array {
  const entries = Buffer.alloc(128 * 128);
  starts.forEach((start, index) => {
    entries.fill(1, index * 128, index * 128 + 16);
    entries.writeBigUInt64LE(BigInt(start), index * 128 + 32);
  });
  return entries;
}

function mbr(...rows: readonly (readonly [type: number, first: number])[]): Uint8Array {
  const sector = Buffer.alloc(512);
  rows.forEach(([type, first], index) => {
    sector[446 + 16 * index + 4] = type;
    sector.writeUInt32LE(first, 446 + 16 * index + 8);
  });
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}

const startsOn = (read: ReadDisk) => partitionStarts(read, diskBytes);

test("a GPT on sectors of 512 and of 4096 bytes, and its copy at the end where the first is gone", () => {
  assert.deepEqual(startsOn(disk([512, gpt(2)], [1024, gptEntries(2048, 4099)])), [2048 * 512, 4099 * 512]);
  assert.deepEqual(startsOn(disk([4096, gpt(2)], [8192, gptEntries(256)])), [256 * 4096]);
  const copy = diskBytes - 512;
  const copyEntries = copy - 32 * 512;
  assert.deepEqual(startsOn(disk([copy, gpt(copyEntries / 512)], [copyEntries, gptEntries(2048)])), [2048 * 512]);
});

test("an MBR: primary and logical partitions, each once", () => {
  const read = disk(
    [0, mbr([0x83, 63], [0x0f, 1000])],
    [1000 * 512, mbr([0x83, 8], [0x05, 500])],
    [1500 * 512, mbr([0x83, 16])],
  );
  assert.deepEqual(
    startsOn(read),
    [63, 1000, 1008, 1516].map((sector) => sector * 512),
  );
});

test("a hostile table ends: loops, absurd counts, offsets beyond the disk", () => {
  const loop = disk([0, mbr([0x05, 1000])], [1000 * 512, mbr([0x83, 8], [0x05, 0xffffffff])]);
  assert.deepEqual(startsOn(loop), [1000 * 512, 1008 * 512]);
  const itself = disk(
    [0, mbr([0x05, 1000])],
    [1000 * 512, mbr([0x83, 8], [0x05, 1000])],
    [2000 * 512, mbr([0x05, 1000])],
  );
  assert.deepEqual(startsOn(itself), [1000 * 512, 1008 * 512]);
  assert.deepEqual(startsOn(disk([512, gpt(2, 0xffffffff, 0xffffffff)])), []);
  assert.deepEqual(startsOn(disk([512, gpt(2 ** 60, 0xffffffff)])), []);
  assert.deepEqual(startsOn(disk([512, gpt(2)], [1024, gptEntries(2 ** 50)])), []);
});
