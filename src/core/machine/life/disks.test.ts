import assert from "node:assert/strict";
import { test } from "node:test";
import { identityOf } from "../../hardware/disk-identity.ts";
import type { Disk } from "../../hardware/hardware.ts";
import type { MachineEvent } from "../event.ts";
import { asked, hardware, healthy, id, issued, mac, place, taken, testFleet } from "../testing/test-fleet.ts";

const disk = (path: string, contents: readonly string[]): Disk => ({
  ...{ path, serial: path, wwn: "", model: "", removable: false, sizeBytes: 2 ** 35, rotational: false, bus: "ata" },
  contents,
});
const scan = (disks: readonly Disk[], freshRack?: true): MachineEvent => ({
  ...{ kind: "hardwareScanned", id: id(1), hardware: { ...hardware(mac(1)), disks } },
  ...(freshRack === undefined ? {} : { freshRack }),
});
const release = (wipeBy?: string): MachineEvent => ({
  ...{ kind: "conditionCleared", id: id(1), condition: "hold" },
  ...(wipeBy === undefined ? {} : { wipeBy }),
});
const used = [disk("/dev/sda", []), disk("/dev/sdb", ["LVM", "Linux RAID"])];
const begin = [asked(1), issued(1), taken(1)];
const place1: MachineEvent = { kind: "placed", id: id(1), placement: place(1) };

test("a machine never seen whose disks hold data goes to hold, with what was found", () => {
  const world = testFleet();
  world.all(...begin);
  const decision = world.apply(scan(used));
  assert.equal(decision.kind === "refused" && decision.refusal.kind, "held");
  const [hold] = world.get(1).conditions;
  assert.match(
    hold?.reason ?? "",
    /\/dev\/sdb \(serial \/dev\/sdb, 32768 MiB\) holds LVM, Linux RAID\. .*release m-.* --wipe/,
  );
  assert.equal(world.apply(place1).kind, "refused", "nothing is written to it");
  assert.equal(world.apply(issued(1, "again")).kind, "refused", "no other order of it is given out");
});

test("a plain release is not a permission: the next scan puts it on hold again; with --wipe it is born", () => {
  const world = testFleet();
  world.all(...begin);
  world.apply(scan(used));
  world.all(release(), issued(1, "t2"), taken(1, "t2"));
  assert.equal(world.apply(scan(used)).kind, "refused");
  world.all(release("olga"), issued(1, "t3"), taken(1, "t3"), scan(used), place1);
  assert.equal(world.get(1).mayWipe?.by, "olga");
  world.apply(healthy(1, 1));
  assert.equal(world.get(1).mayWipe, undefined, "the permission is for one birth");
});

test("--wipe before anything was found is kept for the birth", () => {
  const world = testFleet();
  world.all(...begin, release("olga"), scan(used), place1);
});

test("on a network of fresh racks nothing is held", () => {
  testFleet().all(...begin, scan(used, true), place1);
});

test("empty disks, erased disks and disks that can be pulled out are no reason to hold", () => {
  const stick = { ...disk("/dev/sdc", ["FAT"]), removable: true };
  testFleet().all(...begin, scan([disk("/dev/sda", []), disk("/dev/sdb", ["data of unknown kind"]), stick]), place1);
});

test("a birth that was cut after its place was accepted finds its own traces and goes on", () => {
  const world = testFleet();
  world.all(...begin, scan([disk("/dev/sda", [])]), { ...place1, rootDisk: identityOf(disk("/dev/sda", [])) });
  assert.equal(world.get(1).birthDisk?.path, "/dev/sda");
  world.all(issued(1, "t2"), taken(1, "t2"), scan([disk("/dev/sda", ["GPT", "LUKS"])]), place1);
});

test("a machine that was born here before is not held for its own data", () => {
  const world = testFleet();
  world.all(...begin, scan([disk("/dev/sda", [])]), place1, healthy(1, 1));
  world.all({ kind: "rebirthAsked", id: id(1), by: "olga" }, issued(1, "t2"), taken(1, "t2"), scan(used));
});

test("another root disk is allowed for one rebirth, with who allowed it", () => {
  const world = testFleet();
  world.all(...begin, scan([disk("/dev/sda", [])]), place1, healthy(1, 1));
  const rebirth = { kind: "rebirthAsked", id: id(1), by: "olga" } as const;
  world.apply({ ...rebirth, newRootDisk: { selector: "S2" } });
  assert.deepEqual(world.get(1).allowedDisk, { selector: "S2", by: "olga" });
  assert.deepEqual(
    world.get(1).storage?.disks?.map(({ path }) => path),
    ["/dev/sda"],
    "the disks of the last birth are known, also where an older version did not record them",
  );
  world.apply(rebirth);
  assert.equal(world.get(1).allowedDisk, undefined, "the next rebirth has to be allowed anew");
});

test("a rebirth whose place was accepted keeps the disk that it chose, also if it is begun anew", () => {
  const world = testFleet();
  world.all(...begin, scan([disk("/dev/sda", [])]), place1, healthy(1, 1));
  const rebirth = { kind: "rebirthAsked", id: id(1), by: "olga" } as const;
  const replacement = identityOf(disk("/dev/sdc", []));
  world.all(rebirth, issued(1, "t2"), taken(1, "t2"), { ...place1, rootDisk: replacement });
  assert.deepEqual(world.get(1).birthDisk, replacement);
  world.apply({ ...rebirth, restart: true });
  assert.deepEqual(world.get(1).birthDisk, replacement, "it was erased: nothing else replaces the missing one");
  world.all(issued(1, "t3"), taken(1, "t3"), { ...place1, rootDisk: replacement }, healthy(1, 3));
  assert.equal(world.get(1).birthDisk, undefined);
});

test("a permission to wipe is spent when the birth has chosen its disk; another one can be given", () => {
  const world = testFleet();
  world.all(...begin, release("olga"), scan(used), { ...place1, rootDisk: identityOf(disk("/dev/sda", [])) });
  assert.equal(world.get(1).mayWipe, undefined, "the chosen disk may die, and its successor hold other data");
  world.apply(release("olga"));
  assert.equal(world.get(1).mayWipe?.by, "olga");
});
