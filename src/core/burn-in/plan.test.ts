import assert from "node:assert/strict";
import { test } from "node:test";
import { startWatching, stepLine, watchdogTurn } from "../birth/watchdog.ts";
import type { Disk } from "../hardware/hardware.ts";
import { type BurnInSite, planBurnIn, writes } from "./plan.ts";
import { type BurnInAmounts, burnInProfiles, plainBurnIn, plannedSeconds } from "./profile.ts";

function disk(path: string, more: Partial<Disk> = {}): Disk {
  return {
    ...{ path, model: "", serial: path, wwn: "", sizeBytes: 2 ** 40, rotational: true, removable: false, bus: "scsi" },
    ...more,
  };
}
const rootDisk = disk("/dev/sda");
const profile: BurnInAmounts = { cpuSeconds: 60, memoryPercent: 80, diskMiB: 1024, networkMiB: 256 };
const site: BurnInSite = { cpus: 2, availableMiB: 2000, disks: [rootDisk], rootDisk, server: "10.77.0.1" };

function rows(amounts: Partial<BurnInAmounts>, where: Partial<BurnInSite>): readonly string[] {
  return planBurnIn({ ...profile, ...amounts }, { ...site, ...where }).map(
    ({ test, subject, deadlineSeconds }) => `${test} ${subject} ${deadlineSeconds}`,
  );
}

test("burn-in plan: each test with its deadline", () => {
  assert.deepEqual(rows({}, {}), [
    "cpu 2 CPUs 180",
    "memory 1600 MiB 152",
    "network 10.77.0.1 632",
    "disk /dev/sda 2168",
  ]);
});

test("burn-in plan: tests with a duration of 0 are left out", () => {
  const nothing = { cpuSeconds: 0, memoryPercent: 0, diskMiB: 0, networkMiB: 0 };
  assert.deepEqual(rows(nothing, { disks: [rootDisk, disk("/dev/sdb")] }), []);
});

test("burn-in plan: other fixed disks are read, never written; removable ones are not touched", () => {
  const disks = [disk("/dev/sdb"), rootDisk, disk("/dev/sdc", { bus: "usb" }), disk("/dev/sdd", { removable: true })];
  const tests = planBurnIn(profile, { ...site, disks });
  assert.deepEqual(
    tests.flatMap((each) =>
      each.kind === "readDisk" || each.kind === "writeDisk" ? [[each.kind, each.disk.path, each.mebibytes]] : [],
    ),
    [
      ["readDisk", "/dev/sdb", 256],
      ["writeDisk", "/dev/sda", 1024],
    ],
  );
  assert.deepEqual(
    tests.map(writes),
    [false, false, false, false, true],
    "what writes comes last: after the MDB has accepted the place",
  );
});

test("burn-in plan: large memory with many CPUs is checked closely; memory that would take hours is tested in part", () => {
  const memory = (gib: number, cpus: number) => rows({ memoryPercent: 90 }, { availableMiB: gib * 1024, cpus })[1];
  assert.equal(memory(512, 64), "memory 471859 MiB 710");
  assert.equal(memory(1229, 64), "memory 1132646 MiB 1536");
  assert.equal(memory(24_576, 2), "memory 720000 MiB 14520");
});

test("burn-in plan: no profile takes longer than it says, whatever is in the machine", () => {
  const disks = [rootDisk, ...Array.from({ length: 60 }, (_, n) => disk(`/dev/sd${n}`))];
  const large = { ...site, disks, cpus: 512, availableMiB: 64 * 2 ** 20 };
  const secondsOf = (amounts: BurnInAmounts) =>
    Math.round(planBurnIn(amounts, large).reduce((all, { seconds }) => all + seconds, 0));
  assert.deepEqual(
    Object.values(burnInProfiles).map(secondsOf),
    [25, 580, 14_700],
    "half a minute, ten minutes and hours, with room for what is between the tests",
  );
  assert.deepEqual(Object.values(burnInProfiles).map(plannedSeconds), [25, 580, 14_700]);
  assert.equal(plannedSeconds(plainBurnIn), plainBurnIn.cpuSeconds);
});

test("burn-in plan: the disks share their time, half of it for the root disk", () => {
  const disks = [rootDisk, disk("/dev/sdb"), disk("/dev/sdc")];
  const amounts = planBurnIn({ ...profile, diskMiB: 4096, diskSeconds: 120 }, { ...site, disks });
  assert.deepEqual(
    amounts.flatMap((each) => ("disk" in each ? [[each.disk.path, each.mebibytes, each.seconds]] : [])),
    [
      ["/dev/sdb", 4096, 30],
      ["/dev/sdc", 4096, 30],
      ["/dev/sda", 4096, 60],
    ],
  );
});

test("burn-in plan: an order of an older server has no times, and is tested as there", () => {
  const [memory, disk] = planBurnIn(profile, site).flatMap((each) =>
    each.kind === "fillMemory" || each.kind === "writeDisk" ? [each] : [],
  );
  assert.deepEqual(memory?.kind === "fillMemory" && [memory.rounds, memory.seconds], [1, 0]);
  assert.equal(disk?.kind === "writeDisk" && disk.seconds, 2048, "as long as the least speed takes");
});

test("burn-in plan: the watchdog understands the deadline of every test that can be configured", () => {
  const most = {
    ...{ cpuSeconds: 86_400, memoryPercent: 90, memoryRounds: 10_000, diskMiB: 65_536, networkMiB: 16_384 },
    ...{ memorySeconds: 86_400, diskSeconds: 86_400, networkSeconds: 86_400 },
  };
  const disks = [rootDisk, disk("/dev/sdb")];
  for (const cpus of [1, 512]) {
    for (const each of planBurnIn(most, { ...site, disks, cpus, availableMiB: 64 * 2 ** 20 })) {
      const text = stepLine(`burn-in: ${each.test}`, each.deadlineSeconds);
      const { state } = watchdogTurn(startWatching(0), { kind: "line", text }, 0);
      assert.deepEqual(state, {
        kind: "watching",
        step: `burn-in: ${each.test}`,
        deadlineMs: each.deadlineSeconds * 1000,
      });
    }
  }
});
