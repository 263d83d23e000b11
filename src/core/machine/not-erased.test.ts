import assert from "node:assert/strict";
import { test } from "node:test";
import type { Disk, Hardware } from "../hardware/hardware.ts";
import { disksNotErased, whatCleanLeaves } from "./not-erased.ts";
import type { StorageReport } from "./record.ts";

const disk = (path: string, serial: string, removable = false): Disk => ({
  ...{ path, serial, removable, model: "", wwn: "", sizeBytes: 1, rotational: false, bus: "nvme" },
});
const hardware = (...disks: Disk[]) => ({ disks }) as unknown as Hardware;
const storage = (path: string, serial: string, encrypted: boolean): StorageReport => ({
  rootDisk: { path, serial, sizeBytes: 1, why: "only" },
  encryption: encrypted ? { kind: "luks2", keyIn: "uefi-variable" } : { kind: "none", reason: "no place for a key" },
});

test("one encrypted disk: a clean leaves nothing readable", () => {
  const machine = { hardware: hardware(disk("/dev/sda", "A"), disk("/dev/sdb", "stick", true)) };
  assert.deepEqual(whatCleanLeaves({ ...machine, storage: storage("/dev/sda", "A", true) }), []);
  assert.deepEqual(whatCleanLeaves({}), [], "nothing was ever written");
});

test("data disks are named, the root disk known by serial although paths changed", () => {
  const machine = {
    hardware: hardware(disk("/dev/sda", "B"), disk("/dev/sdb", "A")),
    storage: storage("/dev/sda", "A", true),
  };
  assert.deepEqual(
    disksNotErased(machine).map(({ path }) => path),
    ["/dev/sda"],
  );
  assert.deepEqual(whatCleanLeaves(machine), ["not touched: /dev/sda (B)"]);
});

test("a root disk without encryption is named, known by path where it has no serial number", () => {
  const machine = { hardware: hardware(disk("/dev/vda", "")), storage: storage("/dev/vda", "", false) };
  assert.deepEqual(disksNotErased(machine), []);
  assert.match(whatCleanLeaves(machine).join(), /^root disk \/dev\/vda is not encrypted/);
});
