import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesFromText } from "../bytes/text.ts";
import { findContents, findSignatures, foreignContents, type ReadDisk, unknownData } from "./disk-contents.ts";

const mib = 2 ** 20;
const size = 64 * mib + 5 * 512;

/** A disk of zeros with these bytes on it; an offset below zero counts from the end. */
function disk(...written: readonly (readonly [at: number, bytes: string])[]): readonly string[] {
  const bytes = new Uint8Array(size);
  for (const [at, text] of written) bytes.set(bytesFromText(text), at < 0 ? size + at : at);
  const read: ReadDisk = (offset, length) => bytes.subarray(offset, offset + length);
  return findContents(read, size);
}

/** The labels end at a whole number of labels, not at the last sector. */
const zfsEnd = Math.floor(size / (256 * 1024)) * 256 * 1024;
const mbr: readonly [number, string] = [
  446,
  `\x80\x00\x01\x00\x83\x00\x00\x00\x00\x08\x00\x00\x00\x10\x00\x00${"\0".repeat(48)}\x55\xaa`,
];
const rows: readonly (readonly [title: string, found: readonly string[], disk: readonly string[]])[] = [
  ["nothing", [], disk()],
  ["ext4", ["ext2, ext3 or ext4"], disk([1080, "\x53\xef"])],
  ["a partition table of the PC", ["partition table (MBR)"], disk(mbr)],
  ["boot code without partitions is no table, yet data", [unknownData], disk([510, "\x55\xaa"])],
  ["GPT, its protective MBR not named beside it", ["GPT"], disk(mbr, [512, "EFI PART"])],
  ["GPT of a 4Kn disk", ["GPT"], disk([4096, "EFI PART"])],
  ["only the backup GPT is left", ["GPT"], disk([-512, "EFI PART"])],
  ["LUKS", ["LUKS"], disk([0, "LUKS\xba\xbe\x00\x02"])],
  ["LVM in the second sector", ["LVM"], disk([512, "LABELONE"])],
  ["md 1.2", ["Linux RAID"], disk([4096, "\xfc\x4e\x2b\xa9"])],
  ["md 1.0 near the end", ["Linux RAID"], disk([Math.floor((size - 8192) / 4096) * 4096, "\xfc\x4e\x2b\xa9"])],
  ["md 0.90 near the end", ["Linux RAID"], disk([Math.floor((size - 65536) / 65536) * 65536, "\xfc\x4e\x2b\xa9"])],
  ["Intel firmware RAID", ["Intel firmware RAID"], disk([-1024, "Intel Raid ISM Cfg Sig. 1.1.00"])],
  ["ZFS, an uberblock of the first label", ["ZFS"], disk([(128 + 7) * 1024, "\x0c\xb1\xba\x00\x00\x00\x00\x00"])],
  ["ZFS, a last label of a big-endian host", ["ZFS"], disk([zfsEnd - 128 * 1024, "\x00\x00\x00\x00\x00\xba\xb1\x0c"])],
  ["Ceph", ["Ceph BlueStore"], disk([0, "bluestore block device\n"])],
  ["LVM on RAID: both", ["LVM", "Linux RAID"], disk([4096, "\xfc\x4e\x2b\xa9"], [512, "LABELONE"])],
  ["a byte in the first mebibyte", [unknownData], disk([100_000, "x"])],
  ["a byte in the last mebibyte", [unknownData], disk([-3, "x"])],
];
for (const [title, expected, found] of rows) {
  test(`disk contents: ${title}`, () => assert.deepEqual(found, expected));
}

test("disk contents: data in the middle is found by samples", () => {
  const bytes = new Uint8Array(size);
  bytes.fill(7, 20 * mib, 40 * mib);
  assert.deepEqual(
    findContents((offset, length) => bytes.subarray(offset, offset + length), size),
    [unknownData],
  );
});

test("signatures alone: the same names, and nothing of data without one", () => {
  const bytes = new Uint8Array(size).fill(7, 100_000, 200_000);
  const read: ReadDisk = (offset, length) => bytes.subarray(offset, offset + length);
  assert.deepEqual(findSignatures(read, size), []);
  bytes.set(bytesFromText("EFI PART"), size - 512);
  assert.deepEqual([findSignatures(read, size), findContents(read, size)], [["GPT"], ["GPT"]]);
});

test("disk contents: a disk smaller than what is read of one", () => {
  for (const small of [0, 512, 4096, mib])
    assert.deepEqual(
      findContents((_, length) => new Uint8Array(length), small),
      [],
    );
});

test("each byte counts, also of areas that are no whole number of words or begin between two", () => {
  for (const sizeBytes of [1, 3, 1001, 4096])
    for (const at of [0, sizeBytes - 1])
      for (const shift of [0, 1, 4]) {
        const bytes = new Uint8Array(shift + sizeBytes);
        const read: ReadDisk = (offset, length) => bytes.subarray(shift + offset, shift + offset + length);
        assert.deepEqual(findContents(read, sizeBytes), []);
        bytes[shift + at] = 1;
        assert.deepEqual(findContents(read, sizeBytes), [unknownData], `${at} of ${sizeBytes} at ${shift}`);
      }
});

test("the remains on an erased disk are not foreign data", () => {
  assert.deepEqual(foreignContents([unknownData]), []);
  assert.deepEqual(foreignContents(["LUKS", "GPT"]), ["LUKS", "GPT"]);
});
