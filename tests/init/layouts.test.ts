import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { ErasureStatement } from "../../src/core/erasure/erasure.ts";
import { findContents } from "../../src/core/hardware/disk-contents.ts";
import { comeUp, cutPoints } from "./convergence.ts";
import { changeDisks, type DiskFacts } from "./host/board.ts";
import type { Kernel } from "./host/kernel.ts";
import { fillTree } from "./host/storage/pseudo-tree.ts";
import { mac, rackMachine, type TestMachine, type Trial } from "./machine.ts";
import { openSite } from "./site/site.ts";

const gibibyte = 2 ** 30;
/** Each is a birth or two of the fake host. */
const sampled = 8;
const root: DiskFacts = { name: "vda", sizeBytes: 4 * gibibyte, serial: "root-disk" };
const data: DiskFacts = { name: "vdb", sizeBytes: 8 * gibibyte, serial: "data-disk" };

const layout = {
  ...{ name: "storage", swapMiB: 256 },
  volumes: [{ name: "docker", sizeMiB: 512, mountPoint: "/var/lib/docker" }],
  data: [{ mountPoint: "/srv/disk{n}", least: 0 }],
};
const storage = { allowUnencrypted: true, minRootDiskMiB: 2048, espMiB: 64, bootMiB: 256, layouts: [layout] };
const images = [
  { image: "compute", layout: "storage", when: { minDisks: 2 } },
  { image: "compute", when: {} },
];

function storageMachine(
  t: TestContext,
  facts: Parameters<typeof rackMachine>[1] = {},
  rules: object[] = images,
): TestMachine {
  const site = openSite({ config: { storage, images: rules } });
  t.after(site.close);
  return rackMachine(site, { disks: [root, data], ...facts });
}

const reasonOf = ({ site }: TestMachine) =>
  site
    .machine(mac)
    .conditions.map(({ reason }) => reason)
    .join("; ");

function bornUp(machine: TestMachine): void {
  const { isUp, why } = comeUp(machine);
  assert.ok(isUp, `${why}; ${reasonOf(machine)}`);
}

function askFor({ site }: TestMachine, kind: "rebirthAsked" | "cleanAsked" = "rebirthAsked"): void {
  site.apply({ kind, id: site.machine(mac).id, by: "test" });
}

/** A start from the disk: its system, with what is mounted where. */
function startUp(machine: TestMachine, trial: Trial = {}) {
  const { kernel, answer } = machine.boot(trial);
  assert.equal(answer.kind, "localDisk");
  return { kernel, mountedAt: (point: string) => kernel.mounts.at(point)?.source };
}

function diskOf({ board }: TestMachine, { name }: DiskFacts) {
  return board.disks.get(name) ?? assert.fail(`no disk ${name}`);
}
const headerOf = (machine: TestMachine, disk: DiskFacts) =>
  Buffer.from(diskOf(machine, disk).read(2 ** 20, 64)).toString("latin1");
const faultsOf = ({ screen }: Kernel) => screen.filter((line) => line.startsWith("birther-volumes"));
const isThere = ({ mounts }: Kernel, path: string) => mounts.find(path, true).inode !== undefined;

test("a storage machine: its volumes are encrypted, opened at every start by the keys on its root, and never touched by the agent", (t) => {
  const machine = storageMachine(t);
  bornUp(machine);
  const { kernel, mountedAt } = startUp(machine);
  assert.deepEqual(faultsOf(kernel), []);
  assert.deepEqual(
    [mountedAt("/var/lib/docker"), mountedAt("/srv/disk1")],
    ["/dev/mapper/birther-docker", "/dev/mapper/birther-data1"],
  );
  assert.ok(kernel.ran.includes("/sbin/swapon /dev/mapper/birther-swap"), kernel.ran.join("\n"));
  assert.match(headerOf(machine, data), /^LUKS/);
  const { layout: named, volumes = [] } = machine.site.machine(mac).storage ?? {};
  assert.deepEqual(
    [named, volumes.map(({ name, disk, mountPoint }) => [name, disk.path, mountPoint])],
    [
      "storage",
      [
        ["swap", "/dev/vda", undefined],
        ["docker", "/dev/vda", "/var/lib/docker"],
        ["data1", "/dev/vdb", "/srv/disk1"],
      ],
    ],
  );
  const volume = kernel.mounts.at("/srv/disk1")?.fileSystem ?? assert.fail();
  fillTree(volume).text("/precious", "data");
  volume.sync();
  for (let starts = 0; starts < 2; starts += 1) assert.ok(isThere(startUp(machine).kernel, "/srv/disk1/precious"));
});

for (const kind of ["rebirthAsked", "cleanAsked"] as const)
  test(`${kind}: the keys of all volumes go first, each disk has its record, and new volumes are made`, (t) => {
    const machine = storageMachine(t);
    bornUp(machine);
    const before = headerOf(machine, data);
    const { kernel } = startUp(machine);
    fillTree(kernel.mounts.at("/srv/disk1")?.fileSystem ?? assert.fail()).text("/precious", "data");
    askFor(machine, kind);
    bornUp(machine);
    assert.match(headerOf(machine, data), /^LUKS/);
    assert.notEqual(headerOf(machine, data), before);
    assert.ok(!isThere(startUp(machine).kernel, "/srv/disk1/precious"));
    const said = machine.site
      .erasures()
      .map(({ statement }) => JSON.parse(statement) as ErasureStatement)
      .sort((one, other) => one.disk.path.localeCompare(other.disk.path));
    assert.deepEqual(
      said.map(({ disk, outcome, steps }) => [disk.path, outcome.kind, steps.map(({ method }) => method).join()]),
      [
        ["/dev/vda", "keysDestroyed", "keyDestroyed,headerOverwritten,discarded"],
        ["/dev/vdb", "keysDestroyed", "keyDestroyed,headerOverwritten,discarded,signaturesOverwritten"],
      ],
    );
  });

test("XFS: made by the birth with features of old kernels, and mounted at each start without a check", (t) => {
  const xfs = {
    ...layout,
    volumes: [{ ...layout.volumes[0], name: "docker", sizeMiB: 512, fileSystem: "xfs" }],
    data: [{ ...layout.data[0], fileSystem: "xfs" }],
  };
  const site = openSite({ config: { storage: { ...storage, layouts: [xfs] }, images } });
  t.after(site.close);
  const machine = rackMachine(site, { disks: [root, data] });
  const { kernel: born } = machine.boot();
  const made = born.ran.filter((line) => line.startsWith("/usr/sbin/mkfs.xfs"));
  assert.deepEqual(
    made.map((line) => [line.includes("nrext64=0"), line.replace(/.* -L /, "")]),
    [
      [true, "docker /dev/mapper/birther-docker"],
      [true, "data1 /dev/mapper/birther-data1"],
    ],
  );
  bornUp(machine);
  const { kernel, mountedAt } = startUp(machine);
  assert.deepEqual(
    [faultsOf(kernel), mountedAt("/var/lib/docker"), mountedAt("/srv/disk1")],
    [[], "/dev/mapper/birther-docker", "/dev/mapper/birther-data1"],
  );
  assert.ok(!kernel.ran.some((line) => line.startsWith("/sbin/e2fsck")));
});

test("the header of a data disk that stays where it was fails the birth, before a new key is made", (t) => {
  const machine = storageMachine(t);
  bornUp(machine);
  askFor(machine);
  const lost = { call: "write", about: /\/dev\/vdb/, trouble: { kind: "fails", errno: "EIO" } } as const;
  const { kernel } = machine.boot({ troubles: [lost] });
  assert.match(reasonOf(machine), /erase old LUKS headers: .*\/dev\/vdb/);
  assert.ok(!kernel.ran.some((line) => line.includes("luksFormat")));
  bornUp(machine);
});

test("a BIOS machine's volumes are as plain as its root and are mounted; its swap is encrypted", (t) => {
  const machine = storageMachine(t, { firmware: "bios" });
  bornUp(machine);
  const { kernel, mountedAt } = startUp(machine);
  assert.deepEqual(faultsOf(kernel), []);
  assert.match(mountedAt("/srv/disk1") ?? "", /^\/dev\/disk\/by-partuuid\//);
  assert.ok(kernel.ran.includes("/sbin/swapon /dev/mapper/birther-swap"));
});

test("a rebirth takes an empty new disk, and refuses one with data by name before anything is written", (t) => {
  const machine = storageMachine(t);
  bornUp(machine);
  const fresh: DiskFacts = { ...data, name: "vdc", serial: "fresh" };
  const full: DiskFacts = { ...data, name: "vdd", serial: "full" };
  changeDisks(machine.board, [root, data, fresh, full]);
  diskOf(machine, full).write(512, Buffer.from("LABELONE"));
  diskOf(machine, full).flush();
  const before = [root, data, full].map((disk) => [...diskOf(machine, disk).contents()]);
  askFor(machine);
  machine.boot();
  assert.match(
    reasonOf(machine),
    /choose the data disks: layout storage: .*\/dev\/vdd \(serial full, 8192 MiB\) holds LVM; erase them or exclude them/,
  );
  assert.deepEqual(
    [root, data, full].map((disk) => [...diskOf(machine, disk).contents()]),
    before,
  );
  changeDisks(machine.board, [root, data, fresh]);
  bornUp(machine);
  const { mountedAt } = startUp(machine);
  assert.deepEqual(
    [mountedAt("/srv/disk1"), mountedAt("/srv/disk2")],
    ["/dev/mapper/birther-data1", "/dev/mapper/birther-data2"],
  );
});

test("disks that are removable or virtual media stay as they are", (t) => {
  const stick: DiskFacts = { ...data, name: "sdb", serial: "stick", removable: true };
  const machine = storageMachine(t, { disks: [root, data, stick] });
  const before = [...diskOf(machine, stick).contents()];
  bornUp(machine);
  assert.deepEqual([...diskOf(machine, stick).contents()], before);
});

test("a data disk is gone: the system starts without it, says which, and the agent leaves its mount point alone", (t) => {
  const machine = storageMachine(t);
  bornUp(machine);
  changeDisks(machine.board, [root]);
  const { kernel, mountedAt } = startUp(machine);
  assert.match(
    faultsOf(kernel).join("\n"),
    /^birther-volumes: data1: expected the partition .* within 90 s, found none/,
  );
  assert.deepEqual([mountedAt("/var/lib/docker"), mountedAt("/srv/disk1")], ["/dev/mapper/birther-docker", undefined]);
  assert.ok(isThere(kernel, "/srv/disk1"));
  const said = machine.site.log(mac).filter((line) => line.includes("a volume is not mounted"));
  assert.match(said.join("\n"), /name=data1 mountPoint=\/srv\/disk1/);
  assert.equal(said.length, 1, "and of the others nothing is said");
  assert.equal(machine.site.machine(mac).phase, "up");
});

test("a machine that becomes one without volumes: what opened its data disk is destroyed, and the disk is not used", (t) => {
  const third: DiskFacts = { ...data, name: "vdc", serial: "third-disk" };
  const machine = storageMachine(t, { disks: [root, data, third] }, [
    { image: "compute", layout: "storage", when: { minDisks: 3 } },
    { image: "compute", when: {} },
  ]);
  bornUp(machine);
  assert.match(headerOf(machine, data), /^LUKS/);
  changeDisks(machine.board, [root, data]);
  askFor(machine);
  bornUp(machine);
  assert.doesNotMatch(headerOf(machine, data), /LUKS/);
  const [disk, { storage: made }] = [diskOf(machine, data), machine.site.machine(mac)];
  const found = findContents((offset, length) => new Uint8Array(disk.read(offset, length)), data.sizeBytes);
  assert.deepEqual([found, made?.layout, made?.volumes], [["GPT"], undefined, undefined]);
  assert.deepEqual(faultsOf(startUp(machine).kernel), []);
});

test("a first birth: a disk with data that comes after the first attempt holds the machine", (t) => {
  const machine = storageMachine(t);
  machine.boot({ troubles: [{ call: "exec", about: /mke2fs/, trouble: { kind: "exits", status: 1, output: "" } }] });
  const late: DiskFacts = { ...data, name: "vdc", serial: "late" };
  changeDisks(machine.board, [root, data, late]);
  diskOf(machine, late).write(512, Buffer.from("LABELONE"));
  diskOf(machine, late).flush();
  for (let boots = 0; boots < 2; boots += 1) machine.boot();
  assert.match(reasonOf(machine), /disks hold data: \/dev\/vdc \(serial late, 8192 MiB\) holds LVM/);
  changeDisks(machine.board, [root, data]);
  machine.site.apply({ kind: "conditionCleared", id: machine.site.machine(mac).id, condition: "hold" });
  bornUp(machine);
});

test("a power cut anywhere in a birth or a rebirth with volumes: the next attempts end in a machine with all of them", (t) => {
  const whole = storageMachine(t);
  const { kernel: measured } = whole.boot();
  const points = cutPoints(measured.cpu.calls);
  const sample = points.filter((_, index) => index % Math.ceil(points.length / sampled) === sampled);
  for (const [index, cutAt] of sample.entries()) {
    const machine = storageMachine(t);
    const isRebirth = index % 2 === 1;
    if (isRebirth) {
      bornUp(machine);
      askFor(machine);
    }
    machine.boot({ cutAt });
    bornUp(machine);
    const { kernel, mountedAt } = startUp(machine);
    const seen = [faultsOf(kernel), mountedAt("/srv/disk1")];
    assert.deepEqual(
      seen,
      [[], "/dev/mapper/birther-data1"],
      `cut before call ${cutAt}, ${isRebirth ? "re" : ""}birth`,
    );
    const disk = diskOf(machine, data);
    const found = findContents((offset, length) => new Uint8Array(disk.read(offset, length)), data.sizeBytes);
    assert.deepEqual(found, ["GPT"]);
  }
});
