import assert from "node:assert/strict";
import { test } from "node:test";
import type { Disk, Hardware } from "../hardware/hardware.ts";
import { disksNotErased, otherDisks, whatCleanErases, whatCleanLeaves } from "./not-erased.ts";
import type { StorageReport } from "./storage.ts";
import { hardware as testHardware } from "./testing/test-fleet.ts";

const disk = (path: string, serial: string, more: Partial<Disk> = {}): Disk => ({
  ...{ path, serial, removable: false, model: "", wwn: "", sizeBytes: 2 ** 30, rotational: false, bus: "nvme" },
  ...more,
});
const hardware = (...disks: Disk[]): Hardware => ({ ...testHardware(), disks });
const storage = (path: string, serial: string, encrypted: boolean): StorageReport => ({
  rootDisk: { path, serial, sizeBytes: 2 ** 30, why: "only" },
  encryption: encrypted ? { kind: "luks2", keyIn: "uefi-variable" } : { kind: "none", reason: "no place for a key" },
});

test("one encrypted disk: a clean leaves nothing readable", () => {
  const machine = { hardware: hardware(disk("/dev/sda", "A")) };
  assert.deepEqual(whatCleanLeaves({ ...machine, storage: storage("/dev/sda", "A", true) }), []);
  assert.deepEqual(whatCleanLeaves({}), [], "nothing was ever written");
});

test("data disks are named; the root disk is recognised by its serial number although paths changed", () => {
  const machine = {
    hardware: hardware(disk("/dev/sda", "B"), disk("/dev/sdb", "A")),
    storage: storage("/dev/sda", "A", true),
  };
  assert.deepEqual(
    disksNotErased(machine).map(({ path }) => path),
    ["/dev/sda"],
  );
  assert.deepEqual(whatCleanLeaves(machine), ["not touched: /dev/sda (serial B, 1024 MiB)"]);
});

test("an unencrypted root disk is named; without a serial number it is recognised by its path", () => {
  const machine = { hardware: hardware(disk("/dev/vda", "")), storage: storage("/dev/vda", "", false) };
  assert.deepEqual(disksNotErased(machine), []);
  assert.match(whatCleanLeaves(machine).join(), /^root disk \/dev\/vda is not encrypted/);
});

test("two namespaces of one NVMe controller share a serial number: the one that is not the root is named, by its WWN", () => {
  const disks = [disk("/dev/nvme0n1", "N", { wwn: "eui.1" }), disk("/dev/nvme0n2", "N", { wwn: "eui.2" })];
  const { rootDisk, encryption } = storage("/dev/nvme0n1", "N", true);
  const machine = { hardware: hardware(...disks), storage: { rootDisk: { ...rootDisk, wwn: "eui.1" }, encryption } };
  assert.deepEqual(whatCleanLeaves(machine), ["not touched: /dev/nvme0n2 (serial N, WWN eui.2, 1024 MiB)"]);
});

test("two disks with one serial number and no WWN: the path decides, and the other is named", () => {
  const machine = {
    hardware: hardware(disk("/dev/sda", "T"), disk("/dev/sdb", "T")),
    storage: storage("/dev/sdb", "T", true),
  };
  assert.deepEqual(
    disksNotErased(machine).map(({ path }) => path),
    ["/dev/sda"],
  );
});

test("two disks with one serial number, and one of them is gone: the one that is left counts as not erased", () => {
  const [root, data] = [disk("/dev/sda", "T"), disk("/dev/sdb", "T")];
  const machine = { hardware: hardware(root), storage: { ...storage("/dev/sda", "T", true), disks: [root, data] } };
  assert.deepEqual(whatCleanLeaves(machine), ["not touched: /dev/sda (serial T, 1024 MiB)"]);
});

test("a root disk that cannot be recognised hides no disk", () => {
  const disks = [disk("/dev/sda", "T"), disk("/dev/sdb", "T")];
  const machine = { hardware: hardware(...disks), storage: storage("/dev/sdz", "T", true) };
  assert.deepEqual(disksNotErased(machine), disks);
});

test("a disk that can be pulled out was not erased either", () => {
  const machine = {
    hardware: hardware(disk("/dev/sda", "A"), disk("/dev/sdb", "stick", { removable: true })),
    storage: storage("/dev/sda", "A", true),
  };
  assert.deepEqual(whatCleanLeaves(machine), ["not touched: /dev/sdb (serial stick, 1024 MiB)"]);
});

test("a clean of all disks takes every fixed disk of the latest scan, and says why others are left", () => {
  const disks = [
    disk("/dev/sda", "A"),
    disk("/dev/sdb", "B", { contents: ["xfs"] }),
    disk("/dev/sdc", "C", { contents: [] }),
    disk("/dev/sdd", "D", { transport: "iscsi" }),
    disk("/dev/sde", "E", { removable: true }),
    disk("/dev/sdf", "F", { virtualMedia: true }),
  ];
  const machine = { hardware: hardware(...disks), storage: storage("/dev/sda", "A", true) };
  const wish = { disks: otherDisks(machine) };
  assert.deepEqual(
    wish.disks.map(({ serial }) => serial),
    ["B", "C"],
  );
  assert.deepEqual(whatCleanErases(machine, wish), [
    "root disk /dev/sda (serial A, 1024 MiB)",
    "disk /dev/sdb (serial B, 1024 MiB), held xfs at its last scan",
    "disk /dev/sdc (serial C, 1024 MiB), held nothing known at its last scan",
  ]);
  assert.deepEqual(whatCleanLeaves(machine, wish), [
    "not touched: /dev/sdd (serial D, 1024 MiB), which is on a storage network (iSCSI); /dev/sde (serial E, 1024 MiB), which is removable; /dev/sdf (serial F, 1024 MiB), which is virtual media of a management controller",
  ]);
});

test("a disk that erases itself leaves nothing, though its root is not encrypted; where that is only a wish, both are said", () => {
  const machine = { hardware: hardware(disk("/dev/sda", "A")), storage: storage("/dev/sda", "A", false) };
  assert.deepEqual(whatCleanLeaves(machine, { sanitize: "require" }), []);
  assert.match(whatCleanLeaves(machine, { sanitize: "whereOffered" }).join(), /unless the disk erases itself$/);
});

test("data disks of a layout are erased like the root disk; plain ones are named as readable", () => {
  const [data, other] = [disk("/dev/sdb", "B"), disk("/dev/sdc", "C")];
  const { path, serial, wwn, sizeBytes } = data;
  const volumes = [{ name: "data1", disk: { path, serial, wwn, sizeBytes }, sizeMiB: 1022, mountPoint: "/srv/disk1" }];
  const machine = (encrypted: boolean) => ({
    hardware: hardware(disk("/dev/sda", "A"), data, other),
    storage: { ...storage("/dev/sda", "A", encrypted), volumes },
  });
  assert.deepEqual(whatCleanLeaves(machine(true)), ["not touched: /dev/sdc (serial C, 1024 MiB)"]);
  const plain = whatCleanLeaves(machine(false)).join("; ");
  assert.match(plain, /data disk \/dev\/sdb is not encrypted: old data stays readable until new data overwrites it/);
});
