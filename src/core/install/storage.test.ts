import assert from "node:assert/strict";
import { test } from "node:test";
import type { Disk } from "../hardware/hardware.ts";
import { chooseRootDisk, otherDiskReason } from "../hardware/root-disk.ts";
import type { Random } from "../ports.ts";
import { partitionPath, planLayout, sfdiskScript, uuidFrom } from "./layout.ts";

const gibibyte = 2 ** 30;
const policy = { allowUnencrypted: true, minRootDiskMiB: 2048, espMiB: 64, bootMiB: 256 };

function disk(path: string, sizeGiB: number, more: Partial<Disk> = {}): Disk {
  return {
    path,
    model: "",
    serial: "",
    wwn: "",
    sizeBytes: sizeGiB * gibibyte,
    rotational: false,
    removable: false,
    bus: "ata",
    ...more,
  };
}

const choices: readonly { title: string; disks: readonly Disk[]; path?: string; reason?: RegExp }[] = [
  { title: "the only one", disks: [disk("/dev/sda", 4)], path: "/dev/sda" },
  { title: "the smallest", disks: [disk("/dev/sda", 400), disk("/dev/sdb", 200)], path: "/dev/sdb" },
  {
    title: "solid state before rotating, even if larger",
    disks: [disk("/dev/sda", 100, { rotational: true }), disk("/dev/nvme0n1", 900)],
    path: "/dev/nvme0n1",
  },
  {
    title: "a rotating one if there is no other",
    disks: [disk("/dev/sda", 100, { rotational: true })],
    path: "/dev/sda",
  },
  { title: "not one that is too small", disks: [disk("/dev/sda", 1), disk("/dev/sdb", 9)], path: "/dev/sdb" },
  {
    title: "never one that can be pulled out",
    disks: [disk("/dev/sda", 3, { removable: true }), disk("/dev/sdb", 3, { bus: "usb" }), disk("/dev/sdc", 9)],
    path: "/dev/sdc",
  },
  {
    title: "among equals by serial, whatever the kernel calls them",
    disks: [disk("/dev/sda", 9, { serial: "S2" }), disk("/dev/sdb", 9, { serial: "S1" })],
    path: "/dev/sdb",
  },
  { title: "no disk at all", disks: [], reason: /^there is no disk in this machine$/ },
  { title: "only a stick", disks: [disk("/dev/sda", 9, { bus: "usb" })], reason: /no disk .*USB: \/dev\/sda/ },
  { title: "too small", disks: [disk("/dev/sda", 1)], reason: /2048 MiB are needed, found \/dev\/sda 1024 MiB/ },
];
for (const row of choices) {
  test(`root disk: ${row.title}`, () => {
    const choice = chooseRootDisk(row.disks, policy);
    if (row.path !== undefined) assert.equal(choice.kind === "chosen" && choice.disk.path, row.path);
    if (row.reason !== undefined) assert.match(choice.kind === "refused" ? choice.reason : "", row.reason);
  });
}

test("root disk: it must hold what the configuration puts on it, whatever the minimum says", () => {
  const choice = chooseRootDisk([disk("/dev/sda", 2)], { ...policy, minRootDiskMiB: 0, bootMiB: 2000 });
  assert.match(choice.kind === "refused" ? choice.reason : "", /2576 MiB are needed/);
});

test("root disk: says why it was chosen", () => {
  const choice = chooseRootDisk([disk("/dev/sda", 4), disk("/dev/sdb", 8)], policy);
  assert.equal(
    choice.kind === "chosen" && choice.why,
    "the smallest solid state disk of 2 that fit: 4096 MiB, 2048 MiB needed",
  );
});

const pair = [disk("/dev/sda", 4, { serial: "S1", wwn: "w1" }), disk("/dev/sdb", 9, { serial: "S2", wwn: "w2" })];
const recordings: readonly {
  title: string;
  recorded: { serial: string; wwn?: string };
  path?: string;
  says: RegExp;
  minRootDiskMiB?: number;
}[] = [
  {
    title: "it stays, even if a smaller one has come",
    recorded: { serial: "S2", wwn: "w2" },
    path: "/dev/sdb",
    says: /^the root disk on record \(serial S2\): 9216 MiB$/,
  },
  { title: "known by its serial alone", recorded: { serial: "S2" }, path: "/dev/sdb", says: /on record/ },
  { title: "known by its WWN alone", recorded: { serial: "", wwn: "w2" }, path: "/dev/sdb", says: /WWN w2/ },
  {
    title: "gone: anew, and it is said",
    recorded: { serial: "S3" },
    path: "/dev/sda",
    says: /^the root disk on record \(serial S3\) is not there; the smallest solid state/,
  },
  {
    title: "another disk with its serial is not it",
    recorded: { serial: "S2", wwn: "w9" },
    path: "/dev/sda",
    says: /not there/,
  },
  { title: "nothing known of it", recorded: { serial: "", wwn: "" }, path: "/dev/sda", says: /^the smallest/ },
  {
    title: "too small today: nothing else is wiped in its place",
    recorded: { serial: "S1" },
    minRootDiskMiB: 8192,
    says: /\/dev\/sda, has 4096 MiB, 8192 MiB are needed/,
  },
];
for (const { title, recorded, path, says, minRootDiskMiB = 2048 } of recordings) {
  test(`root disk on record: ${title}`, () => {
    const choice = chooseRootDisk(pair, { ...policy, minRootDiskMiB }, recorded);
    assert.equal(choice.kind === "chosen" ? choice.disk.path : undefined, path);
    assert.match(choice.kind === "chosen" ? choice.why : choice.reason, says);
  });
}

test("the chosen disk is looked at again before it is written to", () => {
  const chosen = disk("/dev/sdb", 9, { serial: "S2", wwn: "w2" });
  assert.equal(otherDiskReason(chosen, pair), undefined);
  assert.match(
    otherDiskReason(chosen, [{ ...chosen, serial: "S1", wwn: "w1" }]) ?? "",
    /^\/dev\/sdb is another disk now: serial S1, 9216 MiB, chosen was serial S2/,
  );
  assert.match(otherDiskReason(chosen, [{ ...chosen, sizeBytes: 1 }]) ?? "", /another disk/);
  assert.match(otherDiskReason(chosen, []) ?? "", /is gone/);
});

/** Random bytes that are 00…, 11…, 22…, one digit more each time. */
function counting(): Random {
  let next = 0;
  return { bytes: (count) => new Uint8Array(count).fill(0x11 * next++) };
}

test("layout: UEFI, aligned to a mebibyte, with room for the tables at the end", () => {
  const layout = planLayout(
    {
      disk: { path: "/dev/vda", sizeBytes: 4 * gibibyte },
      sectorBytes: 512,
      firmware: "uefi",
      espMiB: 64,
      bootMiB: 256,
    },
    counting(),
  );
  assert.equal(
    sfdiskScript(layout),
    `label: gpt
label-id: 33333333-3333-4333-b333-333333333333
unit: sectors
sector-size: 512

start=2048, size=131072, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid=00000000-0000-4000-8000-000000000000, name="birther-esp"
start=133120, size=524288, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, uuid=11111111-1111-4111-9111-111111111111, name="birther-boot"
start=657408, size=7729152, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, uuid=22222222-2222-4222-a222-222222222222, name="birther-root"
`,
  );
  const root = layout.partitions[2];
  assert.equal(((root?.firstSector ?? 0) + (root?.sectorCount ?? 0)) * 512, 4 * gibibyte - 2 ** 20);
});

test("layout: BIOS on a disk of 4096-byte sectors", () => {
  const layout = planLayout(
    {
      disk: { path: "/dev/nvme0n1", sizeBytes: 4 * gibibyte },
      sectorBytes: 4096,
      firmware: "bios",
      espMiB: 64,
      bootMiB: 256,
    },
    counting(),
  );
  assert.deepEqual(
    layout.partitions.map(({ use, path, firstSector, sectorCount }) => [use, path, firstSector, sectorCount]),
    [
      ["biosBoot", "/dev/nvme0n1p1", 256, 256],
      ["boot", "/dev/nvme0n1p2", 512, 65536],
      ["root", "/dev/nvme0n1p3", 66048, 982272],
    ],
  );
});

test("partition paths", () => {
  assert.equal(partitionPath("/dev/sda", 3), "/dev/sda3");
  assert.equal(partitionPath("/dev/mmcblk0", 3), "/dev/mmcblk0p3");
});

test("a random UUID says that it is one", () => {
  assert.equal(uuidFrom(new Uint8Array(16).fill(0xff)), "ffffffff-ffff-4fff-bfff-ffffffffffff");
});
