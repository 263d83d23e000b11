import assert from "node:assert/strict";
import { test } from "node:test";
import { assertBegun, hasOldData, machineToClean, reasonOf, sdDisk, statements } from "./cleaning.ts";
import { changeDisks, type DiskFacts } from "./host/board.ts";
import type { Disk } from "./host/storage/block-device.ts";
import { openLuks, readPartitionTable, writeLuksHeader, writePartitionTable } from "./host/storage/on-disk.ts";
import { mac, type TestMachine } from "./machine.ts";

const root = sdDisk("vda", "ROOT");
const large = { sizeBytes: 8 * 2 ** 30 };
const data = [sdDisk("sda", "D1", { ...large, rotational: true }), sdDisk("nvme0n1", "D2", large)];
const stick = sdDisk("sdc", "STICK", { removable: true });
const key = new Uint8Array(64).fill(1);

function diskOf({ board }: TestMachine, name: string): Disk {
  return board.disks.get(name) ?? assert.fail(`no disk ${name}`);
}

/** A storage machine as its owner leaves it: encrypted volumes on its data disks. */
function storageMachine(t: Parameters<typeof machineToClean>[0], disks: readonly DiskFacts[], ask = {}): TestMachine {
  const machine = machineToClean(t, { disks, ask });
  for (const { name } of disks) {
    if (name === root.name) continue;
    const disk = diskOf(machine, name);
    writePartitionTable(disk, [{ number: 1, first: 2048, count: 4_000_000, uuid: "1".repeat(32) }]);
    const start = 2048 * 512;
    writeLuksHeader({ ...disk, write: (at, bytes) => disk.write(start + at, bytes) }, key, "feed");
    disk.flush();
  }
  return machine;
}
const volumeOn = (machine: TestMachine, name: string) => {
  const disk = diskOf(machine, name);
  return openLuks({ ...disk, read: (at, length) => disk.read(2048 * 512 + at, length) }, key);
};

test("a clean of all disks destroys LUKS headers and signatures of the data disks too, and states it disk by disk", (t) => {
  const machine = storageMachine(t, [root, ...data, stick], { allDisks: true });
  assertBegun(machine.bootInit());
  for (const { name } of data) {
    assert.equal(volumeOn(machine, name), "noVolume", name);
    assert.deepEqual(readPartitionTable(diskOf(machine, name)), [], name);
  }
  assert.notEqual(volumeOn(machine, "sdc"), "noVolume", "a removable disk is left alone");
  const said = statements(machine).map(({ disk, steps, outcome }) => ({
    serial: disk.serial,
    found: steps.map(({ method, found }) => `${method} ${found}`),
    outcome: outcome.kind,
  }));
  const others = { found: ["headerOverwritten 1", "discarded 0", "signaturesOverwritten 1"], outcome: "notErased" };
  assert.deepEqual(
    said.sort((one, other) => one.serial.localeCompare(other.serial)),
    [
      { serial: "D1", ...others },
      { serial: "D2", ...others },
      { serial: "ROOT", found: ["headerOverwritten 0", "discarded 0"], outcome: "notErased" },
    ],
  );
});

test("without it, the other disks are left alone", (t) => {
  const machine = storageMachine(t, [root, ...data]);
  assertBegun(machine.bootInit());
  for (const { name } of data) assert.notEqual(volumeOn(machine, name), "noVolume", name);
  assert.equal(statements(machine).length, 1);
});

test("a disk that came after the operator asked is left alone", (t) => {
  const machine = storageMachine(t, [root, ...data], { allDisks: true });
  changeDisks(machine.board, [root, ...data, sdDisk("sdb", "NEW")]);
  const disk = diskOf(machine, "sdb");
  disk.write(3 * 2 ** 30 + 5 * 4096, new Uint8Array(8192).fill(7));
  disk.flush();
  assertBegun(machine.bootInit());
  assert.ok(hasOldData(machine, "sdb"));
  assert.ok(!statements(machine).some(({ disk: { serial } }) => serial === "NEW"));
});

test("a disk that is missing is named before anything is written; asked anew, the clean takes what the latest scan found", (t) => {
  const machine = storageMachine(t, [root, ...data], { allDisks: true });
  changeDisks(machine.board, [root, ...data.slice(0, 1)]);
  machine.bootInit();
  assert.match(
    reasonOf(machine),
    /the disk serial D2, WWN eui\.D2, 8192 MiB, which is to be erased: it is missing; nothing was erased\. To erase .*--restart --all-disks/,
  );
  assert.notEqual(volumeOn(machine, "sda"), "noVolume");
  const { id } = machine.site.machine(mac);
  machine.site.apply({ kind: "cleanAsked", id, by: "test", restart: true, allDisks: true });
  assertBegun(machine.bootInit());
  assert.equal(volumeOn(machine, "sda"), "noVolume");
});

test("a power cut between two disks: the next attempt erases what is left, and states each disk again", (t) => {
  const whole = storageMachine(t, [root, ...data], { allDisks: true }).bootInit();
  const cutAt = whole.kernel.cpu.calls.indexOf("findBytes /dev/sda") + 1;
  const machine = storageMachine(t, [root, ...data], { allDisks: true });
  machine.bootInit({ cutAt });
  assert.deepEqual([volumeOn(machine, "nvme0n1"), statements(machine).length], ["noVolume", 0]);
  assertBegun(machine.bootInit());
  assert.equal(volumeOn(machine, "sda"), "noVolume");
  assert.equal(statements(machine).length, 3);
});
