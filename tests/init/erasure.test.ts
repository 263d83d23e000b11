import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { diskKeyVariable, sealedKeyVariable } from "../../src/core/boot-loader/efi-variable.ts";
import { bytesFromText } from "../../src/core/bytes/text.ts";
import { luksMagic } from "../../src/core/erasure/luks-header.ts";
import type { BoardFacts, DiskFacts } from "./host/board.ts";
import { kernelRelease } from "./host/devices/drivers.ts";
import type { Disk } from "./host/storage/block-device.ts";
import { openLuks, readPartitionTable, writeLuksHeader, writePartitionTable } from "./host/storage/on-disk.ts";
import { fillTree } from "./host/storage/pseudo-tree.ts";
import { type Boot, mac, rackMachine, type TestMachine, type Trial } from "./machine.ts";
import { openSite } from "./site/site.ts";

const mebibyte = 2 ** 20;
const storage = { allowUnencrypted: true, minRootDiskMiB: 2048, espMiB: 64, bootMiB: 256 };

/** A machine with a system, for which an operator has asked a rebirth or a clean. */
function bornMachine(
  t: TestContext,
  { facts = {}, ask = "rebirthAsked" }: { facts?: Partial<BoardFacts>; ask?: "rebirthAsked" | "cleanAsked" } = {},
): TestMachine {
  const site = openSite({ config: { storage } });
  t.after(site.close);
  const machine = rackMachine(site, facts);
  assert.equal(machine.bootInit().end.kind, "switchedRoot");
  site.apply({ kind: ask, id: site.machine(mac).id, by: "test" });
  return machine;
}

function keyOf({ board }: TestMachine, name = diskKeyVariable): Uint8Array | undefined {
  const number = board.nvram.root.entries.get(name);
  return number === undefined ? undefined : board.nvram.get(number).data.slice(4, board.nvram.get(number).size);
}

const contents = ({ board }: TestMachine) => [...board.disks.values()].map((disk) => [...disk.contents()]);

function assertBorn({ site }: TestMachine, boot: Boot): void {
  assert.equal(boot.end.kind, "switchedRoot", boot.kernel.screen.join("\n"));
  assert.deepEqual(site.machine(mac).conditions, []);
}

/** It ended with this reason, which the record has as well. */
function assertFailed({ site }: TestMachine, boot: Boot, reason: RegExp): void {
  assert.deepEqual(boot.end, { kind: "restarted", how: "restart" }, boot.kernel.screen.join("\n"));
  const failing = site.machine(mac).conditions.find(({ kind }) => kind === "failing");
  assert.match(failing?.reason ?? "", reason);
}

/** Firmware that does not do what it is asked to. */
const disobedience: { readonly [title: string]: { facts?: Partial<BoardFacts>; trial?: Trial; reason: RegExp } } = {
  "says that it deleted a key, and keeps it": {
    facts: { keptVariables: /^BirtherDiskKey/ },
    reason: /discard old keys: .*expected none after the deletion, found that the firmware keeps BirtherDiskKey-/,
  },
  "leaves the variable where it was": {
    trial: { troubles: [{ call: "remove", about: /BirtherDiskKey/, trouble: { kind: "forgets" } }] },
    reason: /discard old keys: .*expected no BirtherDiskKey-\S+ after its deletion, found it/,
  },
  "refuses to delete it": {
    trial: { troubles: [{ call: "remove", about: /BirtherDiskKey/, trouble: { kind: "fails", errno: "EINVAL" } }] },
    reason: /discard old keys: .*BirtherDiskKey.*Invalid argument/,
  },
  "lists nothing when it is asked again": {
    trial: { troubles: [{ call: "mount", about: /efivars$/, from: 2, trouble: { kind: "fails", errno: "EIO" } }] },
    reason: /discard old keys: mount .*efivars.*Input\/output error/,
  },
};

for (const [title, { facts = {}, trial = {}, reason }] of Object.entries(disobedience))
  for (const ask of ["rebirthAsked", "cleanAsked"] as const)
    test(`firmware ${title}: ${ask} fails by name before it writes to the disk, and goes on when it obeys`, (t) => {
      const machine = bornMachine(t, { facts, ask });
      const old = keyOf(machine) ?? assert.fail("no key");
      const before = contents(machine);
      assertFailed(machine, machine.bootInit(trial), reason);
      assert.deepEqual(contents(machine), before);
      const { keptVariables: _, ...obedient } = machine.board.facts;
      machine.board.facts = obedient;
      machine.board.kept.clear();
      assertBorn(machine, machine.bootInit());
      assert.notDeepEqual(keyOf(machine), old);
    });

test("a sealed key is deleted with the plain one", (t) => {
  const machine = bornMachine(t);
  fillTree(machine.board.nvram).bytes(`/${sealedKeyVariable}`, new Uint8Array(400).fill(7));
  const boot = machine.bootInit();
  assertBorn(machine, boot);
  assert.equal(keyOf(machine, sealedKeyVariable), undefined);
  assert.ok(boot.kernel.screen.some((line) => /old disk keys deleted, and found to be gone.*count.{1,3}2/.test(line)));
});

test("UEFI whose variables Linux cannot read is named on the console and on the record, and its old root opens no more", (t) => {
  const machine = bornMachine(t);
  const old = keyOf(machine) ?? assert.fail("no key");
  const disk = machine.board.disks.get("vda") ?? assert.fail("no disk");
  const [, , root] = readPartitionTable(disk);
  const boot = machine.bootInit({ without: [`/lib/modules/${kernelRelease}/kernel/fs/efivarfs/efivarfs.ko`] });
  assertBorn(machine, boot);
  assert.ok(boot.kernel.screen.some((line) => line.includes("an old disk key may be left")));
  const { encryption } = machine.site.machine(mac).storage ?? assert.fail("no storage");
  assert.match(encryption.kind === "none" ? encryption.reason : "", /UEFI variables are unusable: .*efivarfs/);
  assert.deepEqual(keyOf(machine), old, "nobody could delete it");
  assert.equal(openLuks(disk, old), "noVolume");
  assertZeros(disk, (root?.first ?? 0) * 512 + 65536, 15 * mebibyte);
});

function assertZeros(disk: Disk, start: number, length: number): void {
  assert.ok(
    disk.read(start, length).every((byte) => byte === 0),
    `${length} bytes at ${start}`,
  );
}

/** A header, with marks in the area of its key slots. */
function plantHeader(disk: Disk, start: number): void {
  const key = new Uint8Array(64).fill(1);
  writeLuksHeader({ ...disk, write: (at, bytes) => disk.write(start + at, bytes) }, key, "feed");
  for (const at of [32 * 1024, 8 * mebibyte, 16 * mebibyte - 4096]) disk.write(start + at, new Uint8Array(512).fill(9));
}

const large: DiskFacts = { name: "vda", sizeBytes: 8 * 2 ** 30, serial: "large" };

test("old LUKS headers are overwritten wherever they are: whole disk, partitions of an old table, former layouts", (t) => {
  const machine = bornMachine(t, { facts: { disks: [large] } });
  const disk = machine.board.disks.get("vda") ?? assert.fail("no disk");
  // Off a mebibyte and beyond the searched ones: found by the table alone.
  const row = { number: 1, first: (6 * 2 ** 30) / 512 + 3, count: 40_000, uuid: "0".repeat(32) };
  const former = 1281 * mebibyte;
  const secondCopy = 2000 * mebibyte;
  const ofTable = row.first * 512;
  plantHeader(disk, 0);
  writePartitionTable(disk, [row]);
  for (const start of [former, ofTable]) plantHeader(disk, start);
  disk.write(secondCopy + 16384, bytesFromText(luksMagic.second));
  disk.write(secondCopy + 9 * mebibyte, new Uint8Array(512).fill(9));
  disk.write(7 * 2 ** 30, new Uint8Array(512).fill(8));
  disk.flush();
  assertBorn(machine, machine.bootInit());
  for (const start of [former, ofTable, secondCopy]) assertZeros(disk, start, 16 * mebibyte);
  assertZeros(disk, 8 * mebibyte, 8 * mebibyte);
  assert.equal(disk.read(7 * 2 ** 30, 1)[0], 8, "no more than headers is overwritten");
});

test("a BIOS machine overwrites the headers of an earlier life under UEFI", (t) => {
  const machine = bornMachine(t, { facts: { firmware: "bios" } });
  const disk = machine.board.disks.get("vda") ?? assert.fail("no disk");
  plantHeader(disk, 321 * mebibyte);
  disk.flush();
  assertBorn(machine, machine.bootInit());
  assertZeros(disk, 321 * mebibyte, 16 * mebibyte);
});

const diskFaults: { readonly [title: string]: { trial: Trial; reason: RegExp } } = {
  "forgets the overwriting": {
    trial: { troubles: [{ call: "write", about: /^\/dev\/vda$/, trouble: { kind: "forgets" } }] },
    reason: /erase old LUKS headers: \/dev\/vda: expected zeros at byte \d+ after an old LUKS header was overwritten/,
  },
  "refuses the overwriting": {
    trial: { troubles: [{ call: "write", about: /^\/dev\/vda$/, trouble: { kind: "fails", errno: "EIO" } }] },
    reason: /erase old LUKS headers: write \/dev\/vda: Input\/output error/,
  },
  "cannot be searched": {
    trial: { troubles: [{ call: "findBytes", about: /vda/, trouble: { kind: "fails", errno: "EIO" } }] },
    reason: /erase old LUKS headers: findBytes \/dev\/vda.*: Input\/output error/,
  },
};

for (const [title, { trial, reason }] of Object.entries(diskFaults))
  test(`a disk that ${title}: a clean fails by name, without a new table, and the next one works`, (t) => {
    const machine = bornMachine(t, { ask: "cleanAsked" });
    const disk = machine.board.disks.get("vda") ?? assert.fail("no disk");
    const before = readPartitionTable(disk);
    assertFailed(machine, machine.bootInit(trial), reason);
    assert.deepEqual(readPartitionTable(disk), before);
    assertBorn(machine, machine.bootInit());
  });

test("a disk full of forged headers is refused by name", (t) => {
  const machine = bornMachine(t, { facts: { disks: [{ ...large, sizeBytes: 2 ** 44 }] } });
  const disk = machine.board.disks.get("vda") ?? assert.fail("no disk");
  const json = bytesFromText(JSON.stringify({ config: { keyslots_size: String(2 ** 40) } }));
  const rows = Array.from({ length: 100 }, (_, index) => ({
    number: index + 1,
    first: (index + 1) * 2 ** 21,
    count: 1,
    uuid: "0".repeat(32),
  }));
  writePartitionTable(disk, rows);
  for (const { first } of rows) {
    const header = Buffer.from(`${luksMagic.first}\0\x02`, "latin1");
    disk.write(first * 512, Buffer.concat([header, Buffer.from([0, 0, 0, 0, 0, 0, 0x40, 0])]));
    disk.write(first * 512 + 4096, json);
  }
  disk.flush();
  assertFailed(machine, machine.bootInit(), /expected LUKS headers of 8192 MiB at most, found \d+ MiB/);
});
