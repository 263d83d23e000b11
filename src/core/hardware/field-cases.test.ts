import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { recognitionOf } from "./disk-identity.ts";
import { hiddenHardware } from "./missing-driver.ts";
import { chooseRootDisk } from "./root-disk.ts";
import { scanHardware } from "./scan.ts";
import { treeOf } from "./testing/text-tree.ts";

const directory = new URL("../../../tests/captures/field/disks/", import.meta.url);

/** A block device as a field report tells what sysfs shows of it. */
type Shown = {
  readonly name: string;
  readonly sectors: number;
  readonly at: string;
  readonly type?: string;
  readonly rem?: string;
  readonly rot?: string;
  readonly model?: string;
  readonly serial?: string;
  readonly pg80?: string;
  readonly wwid?: string;
  readonly dwwid?: string;
};

function scanOf(name: string) {
  const { disks }: { readonly disks: readonly Shown[] } = JSON.parse(
    readFileSync(new URL(`${name}.json`, directory), "utf8"),
  );
  const files = disks.flatMap((disk) => {
    const own = `/sys/block/${disk.name}`;
    return [
      [own, `-> ${disk.at}`],
      [`${own}/size`, `${disk.sectors}\n`],
      [`${own}/removable`, disk.rem ?? "0"],
      [`${own}/queue/rotational`, disk.rot ?? "0"],
      [`${own}/device/type`, disk.type ?? ""],
      [`${own}/device/model`, disk.model ?? ""],
      [`${own}/device/serial`, disk.serial ?? ""],
      [`${own}/device/vpd_pg80`, disk.pg80 === undefined ? "" : `\x00\x80\x00\x08${disk.pg80}`],
      [`${own}/wwid`, disk.wwid ?? ""],
      [`${own}/device/wwid`, disk.dwwid ?? ""],
    ];
  });
  return scanHardware(treeOf(Object.fromEntries(files)));
}

const policy = { allowUnencrypted: true, minRootDiskMiB: 2048, espMiB: 64, bootMiB: 256 };
const choices: readonly (readonly [name: string, path: string])[] = [
  ["sd-card-and-nvme", "/dev/nvme0n1"],
  ["pmem-and-ssd", "/dev/sda"],
  ["bcache-zvol-leftovers", "/dev/sda"],
  ["bmc-virtual-media", "/dev/sdc"],
  ["nvme-two-namespaces", "/dev/nvme0n1"],
  ["emmc-boot-partitions", "/dev/mmcblk0"],
  ["raid-volume-without-serial", "/dev/sda"],
];
for (const [name, path] of choices) {
  test(`field case ${name}: ${path} is the root disk`, () => {
    const choice = chooseRootDisk(scanOf(name).disks, policy);
    assert.equal(choice.kind === "chosen" ? choice.disk.path : choice.reason, path);
  });
}

test("field case 520-byte-sectors: no disk, and the reason counts those without a usable size", () => {
  const scan = scanOf("520-byte-sectors");
  assert.equal(chooseRootDisk(scan.disks, policy).kind, "refused");
  assert.deepEqual(hiddenHardware(scan, "storage controller"), [
    "2 disks of no usable size (sector format?): /dev/sda, /dev/sdb",
  ]);
});

test("field case raid-volume-without-serial: it is said how it is recognised", () => {
  const { disks } = scanOf("raid-volume-without-serial");
  const [first = assert.fail("expected a disk")] = disks;
  assert.deepEqual(recognitionOf(first, disks), {
    kind: "pathAndSize",
    why: "it has neither serial number nor WWN of its own",
  });
});

test("every file is a case here", () =>
  assert.deepEqual(
    readdirSync(directory).sort(),
    [...choices.map(([name]) => `${name}.json`), "520-byte-sectors.json"].sort(),
  ));
