import assert from "node:assert/strict";
import { test } from "node:test";
import type { Disk } from "../hardware/hardware.ts";
import { chooseDataDisks, type DataDiskInput } from "./data-disks.ts";
import type { DataDiskRule, LayoutProfile } from "./layout-profile.ts";

const gibibyte = 2 ** 30;
const disk = (path: string, more: Partial<Disk> = {}): Disk => ({
  ...{ path, model: "M", serial: `S-${path.slice(5)}`, wwn: "", sizeBytes: 100 * gibibyte },
  ...{ rotational: true, removable: false, bus: "ata", contents: [] },
  ...more,
});
const rule = (more: Partial<DataDiskRule> = {}): DataDiskRule => ({
  ...{ disks: {}, fileSystem: "ext4", mountPoint: "/srv/disk{n}", least: 1 },
  ...more,
});
const profileOf = (...data: DataDiskRule[]): LayoutProfile => ({ name: "storage", swapMiB: 0, volumes: [], data });
const root = disk("/dev/sda", { rotational: false });

function choose(given: Partial<DataDiskInput> & { readonly disks: readonly Disk[] }) {
  return chooseDataDisks({ profile: profileOf(rule()), rootDisk: root, recorded: [], mayErase: false, ...given });
}
function taken(given: Parameters<typeof choose>[0]) {
  const choice = choose(given);
  if (choice.kind === "refused") return choice.reason;
  return choice.data.map((each) => [each.name, each.disk.path, each.mountPoint]);
}

test("every other fixed disk becomes a data volume, in the order of serial numbers whatever their names", () => {
  const [first, second] = [disk("/dev/sdc", { serial: "A" }), disk("/dev/sdb", { serial: "B" })];
  assert.deepEqual(taken({ disks: [root, second, first] }), [
    ["data1", "/dev/sdc", "/srv/disk1"],
    ["data2", "/dev/sdb", "/srv/disk2"],
  ]);
});

test("disks that are removable, virtual, on USB or on a storage network are never taken", () => {
  const others = [
    disk("/dev/sdb", { removable: true }),
    disk("/dev/sdc", { virtualMedia: true }),
    disk("/dev/sdd", { bus: "usb" }),
    disk("/dev/sde", { transport: "iscsi" }),
    disk("/dev/sdf", { transport: "fc" }),
    disk("/dev/nvme1n1", { bus: "nvme", transport: "nvme-tcp" }),
    disk("/dev/mmcblk0", { bus: "sd" }),
  ];
  const fixed = disk("/dev/sdz");
  assert.deepEqual(taken({ disks: [root, ...others, fixed] }), [["data1", "/dev/sdz", "/srv/disk1"]]);
  assert.match(String(taken({ disks: [root, ...others] })), /^layout storage: expected 1 disk for rule 1 .*, found 0$/);
});

test("the first rule that takes a disk decides; a disk that none takes is left alone; a path without a number has room for one", () => {
  const profile = profileOf(
    rule({ disks: { bus: "nvme" }, mountPoint: "/srv/fast" }),
    rule({ disks: { rotational: true }, least: 2 }),
    { disks: { model: "RAW" }, fileSystem: "none", least: 0 },
  );
  const fast = { bus: "nvme", rotational: false, model: "RAW" };
  const disks = [
    root,
    disk("/dev/nvme0n1", fast),
    disk("/dev/nvme1n1", fast),
    disk("/dev/sdb"),
    disk("/dev/sdc"),
    disk("/dev/sdd", { rotational: false }),
  ];
  const choice = choose({ profile, disks });
  assert.ok(choice.kind === "chosen");
  assert.deepEqual(
    choice.data.map((each) => [each.name, each.disk.path, each.rule.fileSystem, each.mountPoint]),
    [
      ["data1", "/dev/nvme0n1", "ext4", "/srv/fast"],
      ["data2", "/dev/nvme1n1", "none", undefined],
      ["data3", "/dev/sdb", "ext4", "/srv/disk1"],
      ["data4", "/dev/sdc", "ext4", "/srv/disk2"],
    ],
  );
});

test("after a birth: empty disks and recorded data disks are taken, and any other refuses the birth by name", () => {
  const [ours, empty, foreign] = [disk("/dev/sdb", { contents: ["GPT"] }), disk("/dev/sdc"), disk("/dev/sdd")];
  const known = { knownDisks: [root, ours, foreign], recorded: [ours] };
  assert.equal(taken({ ...known, disks: [root, ours, empty] }).length, 2);
  for (const [contents, words] of [
    [["XFS"], /\/dev\/sdd \(serial S-sdd, 102400 MiB\) holds XFS; erase them or exclude them/],
    [["data of unknown kind"], /holds data of unknown kind/],
    [undefined, /holds what was not read/],
  ] as const) {
    const { contents: _, ...rest } = foreign;
    const full = contents === undefined ? rest : { ...rest, contents };
    assert.match(String(taken({ ...known, disks: [root, ours, empty, full] })), words);
    assert.equal(taken({ ...known, disks: [root, ours, empty, full], mayErase: true }).length, 3);
  }
});

test("a first birth takes what the server has let pass; after a power cut it takes the same disks", () => {
  const full = disk("/dev/sdb", { contents: ["ext2, ext3 or ext4"] });
  assert.deepEqual(taken({ disks: [root, full] }), [["data1", "/dev/sdb", "/srv/disk1"]]);
});

test("a recorded data disk is found again by its serial number, and one that was swapped for a full one is not it", () => {
  const recorded = [disk("/dev/sdb")];
  const knownDisks = [root, ...recorded];
  const moved = { ...disk("/dev/sdx", { contents: ["GPT"] }), serial: "S-sdb" };
  assert.equal(taken({ recorded, knownDisks, disks: [root, moved] }).length, 1);
  const swapped = disk("/dev/sdb", { serial: "other", contents: ["GPT"] });
  assert.match(String(taken({ recorded, knownDisks, disks: [root, swapped] })), /found others: \/dev\/sdb/);
});

test("without a profile nothing is taken, and what opened former data disks is to be destroyed", () => {
  const former = disk("/dev/sdb", { contents: ["GPT"] });
  const choice = choose({ profile: undefined, recorded: [former], knownDisks: [root, former], disks: [root, former] });
  assert.ok(choice.kind === "chosen");
  assert.deepEqual([choice.data, choice.former.map(({ path }) => path)], [[], ["/dev/sdb"]]);
});
