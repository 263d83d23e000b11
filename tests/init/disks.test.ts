import assert from "node:assert/strict";
import { test } from "node:test";
import { findContents } from "../../src/core/hardware/disk-contents.ts";
import { comeUp } from "./convergence.ts";
import { changeDisks, type DiskFacts } from "./host/board.ts";
import { mac, rackMachine, type TestMachine } from "./machine.ts";
import { openSite, type Site } from "./site/site.ts";

const gibibyte = 2 ** 30;
const root: DiskFacts = { name: "vda", sizeBytes: 4 * gibibyte, serial: "root-disk" };
const data: DiskFacts = { name: "vdb", sizeBytes: 8 * gibibyte, serial: "data-disk" };

/** Puts a whole-disk LVM volume on a disk. */
function fill({ board }: TestMachine, { name }: DiskFacts): void {
  const disk = board.disks.get(name) ?? assert.fail(`no disk ${name}`);
  disk.write(512, Buffer.from("LABELONE"));
  disk.flush();
}

function contentsOf({ board }: TestMachine, { name }: DiskFacts): readonly unknown[] {
  return [...(board.disks.get(name) ?? assert.fail(`no disk ${name}`)).contents()];
}

const idOf = (site: Site) => site.machine(mac).id;

/** An operator asks for a rebirth, perhaps onto another disk. */
function askRebirth(site: Site, newRootDisk?: { readonly selector: string }): void {
  site.apply({
    kind: "rebirthAsked",
    id: idOf(site),
    by: "test",
    ...(newRootDisk === undefined ? {} : { newRootDisk }),
  });
}

function releaseToWipe(site: Site): void {
  site.apply({ kind: "conditionCleared", id: idOf(site), condition: "hold", wipeBy: "test" });
}

function reasonOf(site: Site, kind: "hold" | "failing"): string {
  return site.machine(mac).conditions.find((condition) => condition.kind === kind)?.reason ?? "";
}

test("a new machine with data on a disk is held before anything is written; release --wipe lets it be born", (t) => {
  const site = openSite();
  t.after(site.close);
  const machine = rackMachine(site, { disks: [root, data] });
  fill(machine, data);
  const before = [root, data].map((disk) => contentsOf(machine, disk));
  for (let boots = 0; boots < 2; boots += 1) machine.boot();
  assert.match(reasonOf(site, "hold"), /\/dev\/vdb \(serial data-disk, 8192 MiB\) holds LVM\. .*release m-\S+ --wipe/);
  assert.deepEqual(
    [root, data].map((disk) => contentsOf(machine, disk)),
    before,
  );
  releaseToWipe(site);
  assert.ok(comeUp(machine).isUp);
  assert.deepEqual(
    contentsOf(machine, data),
    before[1],
    "the root disk is the smallest, and the only one that is erased",
  );
});

for (const sectorBytes of [512, 4096])
  test(`a UEFI machine whose disk has sectors of ${sectorBytes} bytes is born`, (t) => {
    const site = openSite();
    t.after(site.close);
    const machine = rackMachine(site, { firmware: "uefi", disks: [{ ...root, sectorBytes }] });
    const ended = comeUp(machine);
    assert.ok(ended.isUp, reasonOf(site, "failing"));
    const { state, hardware } = site.machine(mac);
    assert.deepEqual([state, hardware?.disks[0]?.sectorBytes], ["healthy", sectorBytes]);
  });

test("a BIOS machine whose only disk has sectors of 4096 bytes is refused before anything is written", (t) => {
  const site = openSite();
  t.after(site.close);
  const machine = rackMachine(site, { firmware: "bios", disks: [{ ...root, sectorBytes: 4096 }] });
  const before = contentsOf(machine, root);
  machine.boot();
  assert.match(reasonOf(site, "failing"), /cannot be started by a BIOS: expected sectors of 512 bytes, found 4096/);
  assert.deepEqual(contentsOf(machine, root), before);
});

const storage = { minRootDiskMiB: 2048, espMiB: 64, bootMiB: 256 };

test("rules choose the root disk; the record says which rule did, and the next birth keeps the disk", (t) => {
  const site = openSite({ config: { storage: { ...storage, rootDisk: [{ bus: "nvme" }, { serial: "data-.*" }] } } });
  t.after(site.close);
  const machine = rackMachine(site, { disks: [root, data] });
  const before = contentsOf(machine, root);
  assert.ok(comeUp(machine).isUp, reasonOf(site, "failing"));
  const chosen = () => site.machine(mac).storage?.rootDisk;
  assert.equal(chosen()?.serial, "data-disk");
  assert.match(chosen()?.why ?? "", /^root disk rule 2: serial data-\.\*; the only suitable disk/);
  assert.deepEqual(contentsOf(machine, root), before);
  askRebirth(site);
  assert.ok(comeUp(machine).isUp, reasonOf(site, "failing"));
  assert.match(chosen()?.why ?? "", /^the root disk on record \(serial data-disk/);
});

test("no rule takes a disk: the machine stops, each disk is named with the reason, and nothing is written", (t) => {
  const site = openSite({ config: { storage: { ...storage, rootDisk: [{ bus: "nvme" }, { minSizeGiB: 100 }] } } });
  t.after(site.close);
  const machine = rackMachine(site, { disks: [root, data] });
  const before = [root, data].map((disk) => contentsOf(machine, disk));
  machine.boot();
  assert.match(
    reasonOf(site, "failing"),
    /none of the 2 rules of storage.rootDisk .*: \/dev\/vda \(rule 1 expected bus nvme, found virtio, rule 2 .* found 4\); \/dev\/vdb \(/,
  );
  assert.deepEqual(
    [root, data].map((disk) => contentsOf(machine, disk)),
    before,
  );
});

test("old RAID, volumes and pools are removed from the root disk, from both of its ends, and from no other", (t) => {
  const site = openSite();
  t.after(site.close);
  const machine = rackMachine(site, { disks: [root, data] });
  const end = (size: number, back: number, align: number) => Math.floor((size - back) / align) * align;
  for (const { name, sizeBytes } of [root, data]) {
    const disk = machine.board.disks.get(name) ?? assert.fail(`no disk ${name}`);
    const marks: readonly (readonly [number, string])[] = [
      [0, "bluestore block device"],
      [512, "LABELONE"],
      [4096, "\xfc\x4e\x2b\xa9"],
      [end(sizeBytes, 65536, 65536), "\xfc\x4e\x2b\xa9"],
      [16 * 1024, "SKUL\xba\xbe"],
      [135 * 1024, "\x0c\xb1\xba\x00\x00\x00\x00\x00"],
      [sizeBytes - 512, "EFI PART"],
      [2 ** 30, "bluestore block device"],
    ];
    for (const [at, mark] of marks) disk.write(at, Buffer.from(mark, "latin1"));
    disk.flush();
  }
  const before = contentsOf(machine, data);
  machine.boot();
  releaseToWipe(site);
  assert.ok(comeUp(machine).isUp, reasonOf(site, "failing"));
  const old = machine.board.disks.get(root.name) ?? assert.fail("no root disk");
  const found = findContents((offset, length) => new Uint8Array(old.read(offset, length)), root.sizeBytes);
  assert.deepEqual(found, ["GPT"]);
  assert.equal(Buffer.from(old.read(2 ** 30, 9)).toString("latin1") === "bluestore", false);
  assert.deepEqual(contentsOf(machine, data), before);
});

test("two paths to one disk: it is listed once, and is the root disk", (t) => {
  const site = openSite();
  t.after(site.close);
  const port: DiskFacts = { ...root, name: "sda", model: "ST4000", wwn: "naa.5000c50000000033" };
  const machine = rackMachine(site, { disks: [port, { ...port, name: "sdb" }] });
  assert.ok(comeUp(machine).isUp, reasonOf(site, "failing"));
  const { hardware, storage: made } = site.machine(mac);
  assert.deepEqual(
    hardware?.disks.map(({ path, otherPaths }) => [path, otherPaths]),
    [["/dev/sda", ["/dev/sdb"]]],
  );
  assert.deepEqual([made?.rootDisk.path, made?.disks?.length], ["/dev/sda", 1]);
});

test("a dead root disk beside a data disk: nothing is wiped; another disk is allowed for one rebirth, by name", (t) => {
  const site = openSite();
  t.after(site.close);
  const machine = rackMachine(site, { disks: [root, data] });
  assert.ok(comeUp(machine).isUp);
  fill(machine, data);
  changeDisks(machine.board, [data]);
  const before = contentsOf(machine, data);
  askRebirth(site);
  machine.boot();
  assert.match(reasonOf(site, "failing"), /serial root-disk.* is missing.*\/dev\/vdb .*was in this machine before/);
  askRebirth(site, { selector: "no-such-disk" });
  machine.boot();
  assert.match(
    reasonOf(site, "failing"),
    /operator's choice no-such-disk: expected one disk, found none among \/dev\/vdb/,
  );
  assert.deepEqual(contentsOf(machine, data), before);
  askRebirth(site, { selector: "DATA-DISK" });
  assert.ok(comeUp(machine).isUp);
  const { storage, allowedDisk } = site.machine(mac);
  assert.deepEqual([storage?.rootDisk.serial, allowedDisk], ["data-disk", undefined]);
});

test("a new root disk was chosen, and the old one is back before the rebirth is complete: the new one stays", (t) => {
  const site = openSite();
  t.after(site.close);
  const machine = rackMachine(site, { disks: [root] });
  assert.ok(comeUp(machine).isUp);
  const fresh: DiskFacts = { ...root, name: "vdc", serial: "replacement" };
  changeDisks(machine.board, [fresh]);
  askRebirth(site);
  const born = machine.boot({ troubles: [{ call: "exec", about: /mkfs\.vfat/, trouble: { kind: "hangs" } }] });
  assert.deepEqual(born.end, { kind: "reset", by: "watchdog" });
  changeDisks(machine.board, [root, fresh]);
  fill(machine, root);
  const before = contentsOf(machine, root);
  assert.ok(comeUp(machine).isUp);
  assert.equal(site.machine(mac).storage?.rootDisk.serial, "replacement");
  assert.deepEqual(contentsOf(machine, root), before);
});

test("a retired machine that is released without its root disk: refused, and the next step that it names is enough", (t) => {
  const site = openSite();
  t.after(site.close);
  const machine = rackMachine(site, { disks: [root, data] });
  assert.ok(comeUp(machine).isUp);
  fill(machine, data);
  const before = contentsOf(machine, data);
  changeDisks(machine.board, [data]);
  site.apply({ kind: "retired", id: idOf(site), by: "test" });
  site.apply({ kind: "conditionCleared", id: idOf(site), condition: "retired" });
  machine.boot();
  assert.match(
    reasonOf(site, "failing"),
    /is missing\. .*; to let the birth choose another disk .*birther release NAME --wipe/,
  );
  assert.deepEqual(contentsOf(machine, data), before);
  releaseToWipe(site);
  assert.ok(comeUp(machine).isUp);
  assert.equal(site.machine(mac).storage?.rootDisk.serial, "data-disk");
});

test("two disks that cannot be distinguished, and one of them dies: the other one is not taken for the root disk", (t) => {
  const site = openSite();
  t.after(site.close);
  const twin = { ...root, serial: "" };
  const machine = rackMachine(site, { disks: [twin, { ...twin, name: "vdb" }] });
  assert.ok(comeUp(machine).isUp);
  // The data disk gets the name of the one that died.
  changeDisks(machine.board, [{ ...twin, serial: " " }]);
  changeDisks(machine.board, [twin]);
  fill(machine, twin);
  const before = contentsOf(machine, twin);
  askRebirth(site);
  machine.boot();
  assert.match(
    reasonOf(site, "failing"),
    /cannot be distinguished from others: \/dev\/vda .*1 disk like it, 2 at its last birth/,
  );
  assert.deepEqual(contentsOf(machine, twin), before);
});
