import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { ErasureStatement } from "../../src/core/erasure/erasure.ts";
import { mdArrayOf, mdDataBytes } from "../../src/core/install/md-superblock.ts";
import { comeUp, cutPoints } from "./convergence.ts";
import { type BoardFacts, changeDisks, type DiskFacts } from "./host/board.ts";
import { type BootTrouble, bootFromDisk } from "./host/disk-boot.ts";
import { kernelsOn, textIn } from "./host/grub.ts";
import { windowOn } from "./host/storage/block-device.ts";
import { findFileSystem, readPartitionTable } from "./host/storage/on-disk.ts";
import { mac, rackMachine, type TestMachine, type Trial } from "./machine.ts";
import { openSite } from "./site/site.ts";

const gibibyte = 2 ** 30;
/** Each is a birth or two of the fake host. */
const sampled = 8;
const one: DiskFacts = { name: "vda", sizeBytes: 4 * gibibyte, serial: "disk-1" };
const two: DiskFacts = { name: "vdb", sizeBytes: 5 * gibibyte, serial: "disk-2" };
const three: DiskFacts = { name: "vdc", sizeBytes: 4 * gibibyte, serial: "disk-3" };

const layout = { name: "mirror", mirror: {} };
const withData = { name: "data", mirror: {}, data: [{ mountPoint: "/srv/disk{n}" }] };
const storage = { allowUnencrypted: true, minRootDiskMiB: 2048, espMiB: 64, bootMiB: 256, layouts: [layout, withData] };

function mirrorMachine(
  t: TestContext,
  facts: Partial<BoardFacts> = {},
  images: object[] = [{ image: "compute", layout: "mirror", when: {} }],
): TestMachine {
  const site = openSite({ config: { storage, images } });
  t.after(site.close);
  return rackMachine(site, { disks: [one, two], ...facts });
}

const record = ({ site }: TestMachine) => site.machine(mac);
const reasonOf = (machine: TestMachine) =>
  record(machine)
    .conditions.map(({ reason }) => reason)
    .join("; ");

function bornUp(machine: TestMachine): void {
  const { isUp, why } = comeUp(machine);
  assert.ok(isUp, `${why}; ${reasonOf(machine)}`);
}

/** A start from the disk. */
function startUp(machine: TestMachine, trial: Trial = {}) {
  const { end, answer, kernel } = machine.boot(trial);
  assert.equal(answer.kind, "localDisk");
  assert.ok(end.kind === "stopped" && end.why.startsWith("watched"), JSON.stringify(end));
  return kernel;
}

function diskOf({ board }: TestMachine, { name }: DiskFacts) {
  return board.disks.get(name) ?? assert.fail(`no disk ${name}`);
}

function partition(machine: TestMachine, disk: DiskFacts, number: number) {
  const device = diskOf(machine, disk);
  const row = readPartitionTable(device).find((each) => each.number === number) ?? assert.fail(`${disk.name}${number}`);
  return windowOn(device, { name: "part", offset: row.first * 512, sizeBytes: row.count * 512 });
}

/** What the boot partition of a disk starts. */
function bootOf(machine: TestMachine, disk: DiskFacts) {
  const boot = findFileSystem(machine.board, partition(machine, disk, 2), "ext4") ?? assert.fail("no boot partition");
  return { config: textIn(boot, "/grub/grub.cfg"), kernels: kernelsOn(boot) };
}

const arrayOn = (machine: TestMachine, disk: DiskFacts) =>
  Buffer.from(mdArrayOf(partition(machine, disk, 3).read(0, 8192)) ?? assert.fail("no array")).toString("hex");
const dataOn = (machine: TestMachine, disk: DiskFacts) =>
  Buffer.from(partition(machine, disk, 3).read(mdDataBytes, 64)).toString("latin1");

/** Takes the other disks out for a while. */
function withOnly<Result>({ board }: TestMachine, disk: DiskFacts, work: () => Result): Result {
  const { disks, facts } = board;
  board.disks = new Map([...disks].filter(([name]) => name === disk.name));
  board.facts = { ...facts, disks: [disk] };
  try {
    return work();
  } finally {
    board.disks = disks;
    board.facts = facts;
  }
}

/** Lets the firmware try the disks in this order. */
function startedFrom({ board }: TestMachine, order: readonly DiskFacts[], work: () => void): void {
  const { disks } = board;
  board.disks = new Map(order.flatMap(({ name }) => (disks.has(name) ? [[name, disks.get(name)] as never] : [])));
  work();
  board.disks = disks;
}

/** The kernel that a disk alone starts. */
function releaseOn(machine: TestMachine, disk: DiskFacts): string {
  const found = withOnly(machine, disk, () => bootFromDisk(machine.board));
  if (found.kind === "nothingToBoot") assert.fail(`${disk.name}: ${found.why}`);
  return found.release;
}

function require({ site }: TestMachine, requiredImage: string): void {
  site.apply({ kind: "detailsSet", id: site.machine(mac).id, by: "test", details: { requiredImage } });
}

for (const firmware of ["uefi", "bios"] as const)
  test(`a mirrored root, ${firmware}: each disk alone starts the machine, and its record names the one that is missing`, (t) => {
    const machine = mirrorMachine(t, { firmware });
    bornUp(machine);
    assert.equal(arrayOn(machine, one), arrayOn(machine, two));
    assert.equal(dataOn(machine, one), dataOn(machine, two));
    if (firmware === "uefi") assert.match(dataOn(machine, one), /^LUKS/);
    assert.deepEqual(bootOf(machine, one), bootOf(machine, two));
    const { storage: made } = record(machine);
    assert.deepEqual([made?.rootDisk.path, made?.mirrorDisk?.path], ["/dev/vda", "/dev/vdb"]);
    const sizes = [one, two].map((disk) => partition(machine, disk, 3).sizeBytes);
    assert.equal(sizes[0], sizes[1], "the smaller disk counts");
    for (const [disk, missing] of [
      [one, ["mirrorDisk"]],
      [two, ["rootDisk"]],
    ] as const) {
      withOnly(machine, disk, () => startUp(machine));
      assert.equal(record(machine).phase, "up");
      assert.deepEqual(record(machine).mirror?.missing, missing);
      startUp(machine);
      assert.deepEqual(record(machine).mirror?.missing, [], "the disk that was away is taken back");
    }
  });

test("both disks were away in turn: the one with more changes starts, and the other is left as it is", (t) => {
  const machine = mirrorMachine(t);
  bornUp(machine);
  withOnly(machine, one, () => startUp(machine));
  for (let starts = 0; starts < 2; starts += 1) withOnly(machine, two, () => startUp(machine));
  const before = partition(machine, one, 3).read(0, 8192);
  startUp(machine);
  assert.deepEqual(record(machine).mirror?.missing, ["rootDisk"]);
  assert.deepEqual(partition(machine, one, 3).read(0, 8192), before);
  assert.match(
    machine.site.log(mac).join("\n"),
    /a disk of the mirror is back, and was not taken into it.*it was started without the other disk/,
  );
});

test("a disk that cannot be taken back is named, once", (t) => {
  const machine = mirrorMachine(t);
  bornUp(machine);
  withOnly(machine, one, () => startUp(machine));
  startUp(machine, { troubles: [{ call: "mdRejoin", trouble: { kind: "fails", errno: "EINVAL" } }] });
  assert.deepEqual(record(machine).mirror?.missing, ["mirrorDisk"]);
  const lines = machine.site.log(mac).filter((line) => line.includes("was not taken into it"));
  assert.equal(lines.length, 1, lines.join("\n"));
});

for (const kind of ["rebirthAsked", "cleanAsked"] as const)
  test(`${kind}: both disks are erased, each has its record, and a new mirror is made`, (t) => {
    const machine = mirrorMachine(t);
    bornUp(machine);
    const before = [arrayOn(machine, one), dataOn(machine, one)];
    machine.site.apply({ kind, id: record(machine).id, by: "test" });
    bornUp(machine);
    assert.equal(arrayOn(machine, one), arrayOn(machine, two));
    assert.notEqual(arrayOn(machine, one), before[0]);
    assert.notEqual(dataOn(machine, two), before[1]);
    const said = machine.site
      .erasures()
      .map(({ statement }) => JSON.parse(statement) as ErasureStatement)
      .sort((left, right) => left.disk.path.localeCompare(right.disk.path));
    assert.deepEqual(
      said.map(({ disk, outcome, steps }) => [disk.path, outcome.kind, steps.map(({ method }) => method).join()]),
      [
        ["/dev/vda", "keysDestroyed", "keyDestroyed,headerOverwritten,discarded"],
        ["/dev/vdb", "keysDestroyed", "keyDestroyed,headerOverwritten,discarded,signaturesOverwritten"],
      ],
    );
  });

test("an update with another kernel: both boot partitions get it, and become equal", (t) => {
  const machine = mirrorMachine(t);
  bornUp(machine);
  require(machine, "compute/2");
  bornUp(machine);
  assert.equal(record(machine).runningImage, "compute/2");
  assert.deepEqual(bootOf(machine, one), bootOf(machine, two));
  assert.deepEqual(
    [one, two].map((disk) => releaseOn(machine, disk)),
    ["6.1.0-2", "6.1.0-2"],
  );
});

test("a kernel that panics is given up whichever disk it was tried from, and both start the former one", (t) => {
  const machine = mirrorMachine(t);
  bornUp(machine);
  require(machine, "compute/2");
  const kernelTrouble: BootTrouble = ({ release }) => (release === "6.1.0-2" ? "panics" : "runs");
  for (let boots = 0; boots < 8; boots += 1)
    startedFrom(machine, boots % 2 === 0 ? [one, two] : [two, one], () => machine.boot({ kernelTrouble }));
  assert.match(reasonOf(machine), /kernel 6\.1\.0-2 \(\w{8}\) did not come up in 2 attempts/);
  assert.deepEqual(
    [one, two].map((disk) => releaseOn(machine, disk)),
    ["6.1.0-1", "6.1.0-1"],
  );
});

test("a power cut anywhere in an update with another kernel: at every moment each disk alone has a whole system to start", (t) => {
  const update = (cutAt?: number) => {
    const machine = mirrorMachine(t);
    bornUp(machine);
    require(machine, "compute/2");
    return { machine, ...machine.boot(cutAt === undefined ? {} : { cutAt }) };
  };
  const points = cutPoints(update().kernel.cpu.calls);
  const sample = points.filter((_, index) => index % Math.ceil(points.length / sampled) === 0);
  assert.ok(sample.length >= sampled / 2, `${points.length} points`);
  for (const cutAt of sample) {
    const { machine } = update(cutAt);
    for (const disk of [one, two]) assert.match(releaseOn(machine, disk), /^6\.1\.0-[12]$/, `cut before call ${cutAt}`);
    bornUp(machine);
    assert.equal(record(machine).runningImage, "compute/2");
    assert.deepEqual(bootOf(machine, one), bootOf(machine, two), `cut before call ${cutAt}`);
  }
});

test("a boot partition that cannot be written is named, and the update goes on with the other disk", (t) => {
  const machine = mirrorMachine(t);
  bornUp(machine);
  const before = bootOf(machine, two);
  require(machine, "compute/2");
  const lost = {
    call: "mkdir",
    about: /birther\/boot-2\/kernels/,
    trouble: { kind: "fails", errno: "EIO" },
  } as const;
  for (let boots = 0; boots < 3; boots += 1) machine.boot({ troubles: [lost] });
  assert.equal(record(machine).runningImage, "compute/2");
  assert.match(machine.site.log(mac).join("\n"), /a boot partition of the mirror is not kept up to date/);
  assert.deepEqual(bootOf(machine, two), before);
  bornUp(machine);
  machine.boot();
  assert.deepEqual(bootOf(machine, one), bootOf(machine, two));
});

test("a mirror beside a data disk: each keeps its role in a rebirth, and the data disk opens whichever disk is away", (t) => {
  const machine = mirrorMachine(t, { disks: [one, two, three] }, [{ image: "compute", layout: "data", when: {} }]);
  const roles = () => {
    const { rootDisk, mirrorDisk, volumes = [] } = record(machine).storage ?? {};
    return [rootDisk?.serial, mirrorDisk?.serial, ...volumes.map(({ name, disk }) => `${name} ${disk.serial}`)];
  };
  bornUp(machine);
  const born = roles();
  assert.equal(born.length, 3);
  assert.match(born[2] ?? "", /^data1 disk-\d$/);
  machine.site.apply({ kind: "rebirthAsked", id: record(machine).id, by: "test" });
  bornUp(machine);
  assert.deepEqual(roles(), born);
  const [second] = [one, two, three].filter(({ serial }) => serial === born[1]);
  const { disks, facts } = machine.board;
  machine.board.disks = new Map([...disks].filter(([name]) => name !== second?.name));
  machine.board.facts = { ...facts, disks: facts.disks.filter(({ name }) => name !== second?.name) };
  const kernel = startUp(machine);
  assert.deepEqual(record(machine).mirror?.missing, ["mirrorDisk"]);
  assert.doesNotMatch(kernel.screen.join("\n"), /birther-volumes: /);
});

test("a machine without a second disk is refused by name, before anything is written", (t) => {
  const stick: DiskFacts = { ...two, name: "sdb", serial: "stick", removable: true };
  const small: DiskFacts = { ...two, name: "vdc", serial: "small", sizeBytes: gibibyte };
  const machine = mirrorMachine(t, { disks: [one, stick, small] });
  machine.boot();
  assert.match(
    reasonOf(machine),
    /layout mirror: expected a second disk for the root's mirror \(any disk\), found .*\/dev\/vdc .*: expected 2048 MiB, found 1024 MiB/,
  );
  for (const disk of [one, stick, small]) assert.equal(diskOf(machine, disk).contents().size, 0);
});

test("the root disk is lost and replaced by an empty one: a rebirth makes a mirror of the other and of it", (t) => {
  const machine = mirrorMachine(t);
  bornUp(machine);
  changeDisks(machine.board, [two, three]);
  machine.site.apply({ kind: "rebirthAsked", id: record(machine).id, by: "test" });
  bornUp(machine);
  const { storage: made } = record(machine);
  assert.deepEqual([made?.rootDisk.serial, made?.mirrorDisk?.serial], ["disk-2", "disk-3"]);
  assert.equal(arrayOn(machine, two), arrayOn(machine, three));
});

test("another disk with a superblock of md stays as it is, and a rebirth does not take it for the lost one", (t) => {
  const machine = mirrorMachine(t);
  bornUp(machine);
  changeDisks(machine.board, [one, three]);
  diskOf(machine, three).write(4096, Buffer.from("fc4e2ba901000000", "hex"));
  diskOf(machine, three).flush();
  const before = [one, three].map((disk) => [...diskOf(machine, disk).contents()]);
  machine.site.apply({ kind: "rebirthAsked", id: record(machine).id, by: "test" });
  machine.boot();
  assert.match(reasonOf(machine), /expected a second disk .*\/dev\/vdc \(serial disk-3, 4096 MiB\): holds Linux RAID/);
  assert.deepEqual(
    [one, three].map((disk) => [...diskOf(machine, disk).contents()]),
    before,
  );
});

test("a machine that becomes one without a mirror: the former second disk starts no system any more", (t) => {
  const machine = mirrorMachine(t, { disks: [one, two, three] }, [
    { image: "compute", layout: "mirror", when: { minDisks: 3 } },
    { image: "compute", when: {} },
  ]);
  bornUp(machine);
  const second = record(machine).storage?.mirrorDisk?.path;
  const [left] = [two, three].filter(({ name }) => `/dev/${name}` === second);
  assert.ok(left);
  changeDisks(machine.board, [one, left]);
  machine.site.apply({ kind: "rebirthAsked", id: record(machine).id, by: "test" });
  bornUp(machine);
  assert.equal(record(machine).storage?.mirrorDisk, undefined);
  assert.deepEqual(readPartitionTable(diskOf(machine, left)), []);
  startUp(machine);
});

test("a power cut anywhere in a birth or a rebirth of a mirror: the next attempts end in a machine that each disk starts", (t) => {
  const whole = mirrorMachine(t);
  const { kernel: measured } = whole.boot();
  const points = cutPoints(measured.cpu.calls);
  const sample = points.filter((_, index) => index % Math.ceil(points.length / sampled) === sampled);
  for (const [index, cutAt] of sample.entries()) {
    const machine = mirrorMachine(t);
    if (index % 2 === 1) {
      bornUp(machine);
      machine.site.apply({ kind: "rebirthAsked", id: record(machine).id, by: "test" });
    }
    machine.boot({ cutAt });
    bornUp(machine);
    assert.deepEqual(bootOf(machine, one), bootOf(machine, two), `cut before call ${cutAt}`);
    changeDisks(machine.board, [two]);
    startUp(machine);
    assert.deepEqual(record(machine).mirror?.missing, ["rootDisk"]);
  }
});
