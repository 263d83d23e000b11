import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { biosDrivesOf } from "./bios-drives.ts";
import { treeOf } from "./testing/text-tree.ts";

const ahci = "/sys/devices/pci0000:00/0000:00:1f.2";
const sectors = 16_777_216;

/** Two disks at one controller and one at another, and what the BIOS says of its drives. */
function drivesOf(edd: { readonly [path: string]: string }, signatures: { readonly [path: string]: string } = {}) {
  const tree = treeOf({
    "/sys/block/sda": `-> ${ahci}/ata10/host9/target9:0:0/9:0:0:0/block/sda`,
    "/sys/block/sdb": `-> ${ahci}/ata9/host8/target8:0:0/8:0:0:0/block/sdb`,
    "/sys/block/nvme0n1": "-> /sys/devices/pci0000:00/0000:00:04.0/nvme/nvme0/nvme0n1",
    ...Object.fromEntries(Object.entries(edd).map(([path, text]) => [`/sys/firmware/edd/${path}`, text])),
  });
  const disk = (path: string, size = sectors) => ({ path, sizeBytes: size * 512 });
  return biosDrivesOf(
    tree,
    [disk("/dev/sda"), disk("/dev/sdb"), disk("/dev/nvme0n1", 2 * sectors)],
    (path) => signatures[path] ?? "",
  );
}

const numbersOf = (edd: { readonly [path: string]: string }) => Object.fromEntries(drivesOf(edd).numbers);

const raw = (sectorBytes: number) => `${"\0".repeat(24)}${String.fromCharCode(sectorBytes % 256, sectorBytes >> 8)}`;

test("a drive is the disk of its size; equal ones at a controller count by their places, numbers as numbers", () => {
  const drives = numbersOf({
    "int13_dev80/sectors": `${sectors}\n`,
    "int13_dev80/pci_dev": `-> ${ahci}`,
    "int13_dev80/raw_data": raw(512),
    "int13_dev82/sectors": `${sectors}\n`,
    "int13_dev81/sectors": `${sectors / 4}\n`,
    "int13_dev81/raw_data": raw(4096),
  });
  assert.deepEqual(drives, { "/dev/sdb": 0x80, "/dev/sda": 0x82, "/dev/nvme0n1": 0x81 });
});

test("what does not fit is left out: another size, another controller, one drive for two equal disks, no BIOS", () => {
  assert.deepEqual(numbersOf({ "int13_dev80/sectors": "5\n" }), {});
  const elsewhere = { "int13_dev80/sectors": `${sectors * 2}`, "int13_dev80/pci_dev": `-> ${ahci}` };
  assert.deepEqual(numbersOf(elsewhere), {});
  assert.deepEqual(numbersOf({ "int13_dev80/sectors": `${sectors}` }), {});
  assert.deepEqual(numbersOf({}), {});
});

test("equal disks are told apart by the signatures of their boot sectors, whatever their places say", () => {
  const drive = (signature: string) => ({ sectors: `${sectors}\n`, mbr_signature: `${signature}\n` });
  const numbers = (first: string, second: string, signatures: { readonly [path: string]: string }) => {
    const edd = Object.entries({ int13_dev80: drive(first), int13_dev81: drive(second) }).flatMap(([name, files]) =>
      Object.entries(files).map(([file, text]) => [`${name}/${file}`, text] as const),
    );
    return Object.fromEntries(drivesOf(Object.fromEntries(edd), signatures).numbers);
  };
  const [a, b, none] = ["0x1a2b3c4d", "0x00c0ffee", "0x00000000"] as const;
  const byPlace = { "/dev/sdb": 0x80, "/dev/sda": 0x81 };
  const swapped = { "/dev/sda": 0x80, "/dev/sdb": 0x81 };
  assert.deepEqual(numbers(a, b, { "/dev/sda": a, "/dev/sdb": b }), swapped);
  assert.deepEqual(numbers(a, none, { "/dev/sda": a, "/dev/sdb": none }), swapped, "the other one is what remains");
  assert.deepEqual(numbers(none, none, { "/dev/sda": none, "/dev/sdb": none }), byPlace, "erased disks");
  assert.deepEqual(numbers(a, a, { "/dev/sda": a, "/dev/sdb": a }), byPlace, "copies of one disk");
  assert.deepEqual(numbers(a, b, {}), byPlace, "disks that cannot be read");
});

test("a disk that a complete list of fitting drives leaves out is unlisted", () => {
  const two = { "int13_dev80/sectors": `${sectors}`, "int13_dev81/sectors": `${sectors}` };
  const unlisted = (edd: { readonly [path: string]: string }) => [...drivesOf(edd).unlisted];
  assert.deepEqual(unlisted(two), ["/dev/nvme0n1"]);
  assert.deepEqual(unlisted({ ...two, "int13_dev82/sectors": `${sectors * 2}` }), []);
  assert.deepEqual(unlisted({ ...two, "int13_dev82/sectors": "5" }), [], "a drive of another size may be any disk");
  assert.deepEqual(unlisted({}), [], "nothing is known without a BIOS");
  const six = [0, 1, 2, 3, 4, 5].map((n) => [`int13_dev8${n}/sectors`, `${sectors}`] as const);
  assert.deepEqual(unlisted(Object.fromEntries(six)), [], "the kernel asks about six drives only");
});

test("what SeaBIOS 1.16.2 says: recorded on QEMU 7.2", () => {
  const file = new URL("../../../tests/captures/edd/seabios-1.16.2-two-ahci-disks.json", import.meta.url);
  const recorded: {
    readonly disks: readonly { readonly name: string; readonly sectors: number; readonly at: string }[];
    readonly drives: { readonly [name: string]: { readonly sectors: number; readonly rawData: string } };
  } = JSON.parse(readFileSync(file, "utf8"));
  const tree = treeOf({
    ...Object.fromEntries(recorded.disks.map(({ name, at }) => [`/sys/block/${name}`, `-> ${at}`])),
    ...Object.fromEntries(
      Object.entries(recorded.drives).flatMap(([name, { sectors: count, rawData }]) => [
        [`/sys/firmware/edd/${name}/sectors`, `${count}\n`],
        [`/sys/firmware/edd/${name}/raw_data`, Buffer.from(rawData, "hex").toString("latin1")],
      ]),
    ),
  });
  const disks = recorded.disks.map(({ name, sectors: count }) => ({ path: `/dev/${name}`, sizeBytes: count * 512 }));
  assert.deepEqual(Object.fromEntries(biosDrivesOf(tree, disks).numbers), { "/dev/sda": 0x80, "/dev/sdb": 0x81 });
});
