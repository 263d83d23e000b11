import assert from "node:assert/strict";
import { test } from "node:test";
import type { ReadDisk } from "../hardware/disk-contents.ts";
import { luksExtent, mergedExtents } from "./luks-header.ts";

const mebibyte = 2 ** 20;
const diskBytes = 2 ** 40;

/** A disk of zeros with some pieces. */
function disk(...pieces: readonly (readonly [at: number, bytes: Uint8Array])[]): ReadDisk {
  return (offset, length) => {
    const bytes = new Uint8Array(length);
    for (const [at, piece] of pieces)
      piece.forEach((byte, index) => {
        if (at + index >= offset && at + index < offset + length) bytes[at + index - offset] = byte;
      });
    return bytes;
  };
}

function luks2(magic: "LUKS" | "SKUL", headerBytes: number, keyslots: number | string): Uint8Array {
  const header = Buffer.alloc(4096);
  header.write(`${magic}\xba\xbe`, "latin1");
  header.writeUInt16BE(2, 6);
  header.writeBigUInt64BE(BigInt(headerBytes), 8);
  const json = JSON.stringify({ keyslots: {}, config: { json_size: "12288", keyslots_size: String(keyslots) } });
  return Buffer.concat([header, Buffer.from(json), Buffer.alloc(1)]);
}

function luks1(payloadSectors: number): Uint8Array {
  const header = Buffer.alloc(592);
  header.write("LUKS\xba\xbe", "latin1");
  header.writeUInt16BE(1, 6);
  header.writeUInt32BE(payloadSectors, 104);
  return header;
}

const start = 7 * mebibyte + 512;
const lengthOf = (bytes: Uint8Array, at = 0, sizeBytes = diskBytes) =>
  luksExtent(disk([start + at, bytes]), start, sizeBytes)?.length;

test("a LUKS2 header as cryptsetup makes it, and one with large copies and key slots", () => {
  assert.equal(lengthOf(luks2("LUKS", 16384, 16744448)), 16 * mebibyte);
  assert.equal(lengthOf(luks2("LUKS", 4 * mebibyte, 128 * mebibyte)), 136 * mebibyte);
});

test("the second copy alone, of any size, is a header", () => {
  assert.equal(lengthOf(luks2("SKUL", 16384, 16744448), 16384), 16 * mebibyte);
  assert.equal(lengthOf(luks2("SKUL", 4 * mebibyte, 64 * mebibyte), 4 * mebibyte), 72 * mebibyte);
  assert.equal(lengthOf(luks2("SKUL", 16384, 16744448), 12288), undefined);
});

test("LUKS1: up to its data; one whose data is elsewhere, the least", () => {
  assert.equal(lengthOf(luks1(65_536)), 32 * mebibyte);
  assert.equal(lengthOf(luks1(4096)), 16 * mebibyte);
  assert.equal(lengthOf(luks1(0)), 16 * mebibyte);
});

test("what a header claims is bounded, and garbage is overwritten like any other", () => {
  assert.equal(lengthOf(luks2("LUKS", 16384, 2 ** 50)), 136 * mebibyte);
  assert.equal(lengthOf(luks2("LUKS", 16384, "none")), 16 * mebibyte);
  assert.equal(lengthOf(luks2("LUKS", 12345, 2 ** 50)), 16 * mebibyte);
  assert.equal(lengthOf(luks2("LUKS", 16384, 16744448).subarray(0, 100)), 16 * mebibyte);
  assert.equal(lengthOf(luks2("LUKS", 16384, 16744448), 0, start + mebibyte), mebibyte, "no further than the disk");
  assert.equal(luksExtent(disk(), start, diskBytes), undefined);
});

test("extents that overlap or touch become one", () => {
  const extents = [
    { start: 40, length: 10 },
    { start: 0, length: 16 },
    { start: 8, length: 4 },
    { start: 16, length: 16 },
  ];
  assert.deepEqual(mergedExtents(extents), [
    { start: 0, length: 32 },
    { start: 40, length: 10 },
  ]);
  assert.deepEqual(mergedExtents([]), []);
});
