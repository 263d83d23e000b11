import assert from "node:assert/strict";
import { test } from "node:test";
import { writeFatDisk } from "../../bytes/fat-disk.ts";
import { textFromBytes } from "../../bytes/text.ts";
import { bootDiskWith, makeBootDisk } from "./boot-disk.ts";

const little = (bytes: Uint8Array, at: number, size: number) =>
  Array.from({ length: size }, (_, i) => (bytes[at + i] ?? 0) * 256 ** i).reduce((sum, part) => sum + part, 0);

/** Reads a file as a FAT driver does: boot sector, directories, chain of clusters. */
function readFile(disk: Uint8Array, path: string): Uint8Array {
  const [sector, perCluster, fatSectors] = [little(disk, 11, 2), disk[13] ?? 0, little(disk, 22, 2)];
  const rootAt = (little(disk, 14, 2) + (disk[16] ?? 0) * fatSectors) * sector;
  const dataAt = rootAt + little(disk, 17, 2) * 32;
  const chain = (first: number): Uint8Array => {
    const pieces: number[] = [];
    for (let cluster = first; cluster < 0xfff8; cluster = little(disk, sector + cluster * 2, 2)) {
      const at = dataAt + (cluster - 2) * perCluster * sector;
      pieces.push(...disk.subarray(at, at + perCluster * sector));
    }
    return Uint8Array.from(pieces);
  };
  let found: Uint8Array = disk.subarray(rootAt, dataAt);
  for (const part of path.split("/")) {
    const [base = "", extension = ""] = part.split(".");
    const name = base.padEnd(8) + extension.padEnd(3);
    let at = 0;
    while (textFromBytes(found.subarray(at, at + 11)) !== name) {
      assert.ok(at < found.length, `${path} is not there`);
      at += 32;
    }
    const isDirectory = found[at + 11] === 0x10;
    const content = chain(little(found, at + 26, 2));
    found = isDirectory ? content : content.subarray(0, little(found, at + 28, 4));
  }
  return found;
}

test("each file of the disk is found by its path, whole; the script takes its place in the pieces", () => {
  const bytes = (count: number, seed: number) => Uint8Array.from({ length: count }, (_, i) => (i * seed) & 255);
  const files = { shim: bytes(5000, 3), grub: bytes(4096, 5), kernel: bytes(12_289, 7), initramfs: bytes(1, 11) };
  const pieces = bootDiskWith(makeBootDisk(files), "linux /vmlinuz a=b\n");
  const disk = new Uint8Array(makeBootDisk(files).disk.length);
  assert.equal(
    pieces.reduce((at, piece) => {
      disk.set(piece, at);
      return at + piece.length;
    }, 0),
    disk.length,
  );
  assert.deepEqual(readFile(disk, "EFI/BOOT/BOOTX64.EFI"), files.shim);
  assert.deepEqual(readFile(disk, "EFI/BOOT/GRUBX64.EFI"), files.grub);
  assert.deepEqual(readFile(disk, "VMLINUZ"), files.kernel);
  assert.deepEqual(readFile(disk, "INITRD.IMG"), files.initramfs);
  assert.match(textFromBytes(readFile(disk, "EFI/DEBIAN/GRUB.CFG")), /^linux \/vmlinuz a=b\n+$/);
});

test("the disk holds the second archive where there is one", () => {
  const one = Uint8Array.of(1);
  const firmware = Uint8Array.from({ length: 9000 }, (_, i) => (i * 13) & 255);
  const files = { shim: one, grub: one, kernel: one, initramfs: one };
  assert.deepEqual(readFile(makeBootDisk({ ...files, firmware }).disk, "FIRMWARE.IMG"), firmware);
  assert.throws(() => readFile(makeBootDisk(files).disk, "FIRMWARE.IMG"), /is not there/);
});

test("names that are not 8.3, and more than a FAT16 holds, are refused", () => {
  assert.throws(() => writeFatDisk([{ path: "initramfs.img", bytes: new Uint8Array() }]), /not a name in 8\.3/);
  const huge = new Uint8Array(300 * 1024 * 1024);
  assert.throws(() => writeFatDisk([{ path: "A", bytes: huge }]), /do not fit on a FAT16 disk/);
});
