import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { comeUp, cutPoints } from "./convergence.ts";
import type { BoardFacts } from "./host/board.ts";
import { makeTpm } from "./host/devices/tpm.ts";
import { type BootTrouble, bootFromDisk } from "./host/disk-boot.ts";
import { textIn } from "./host/grub.ts";
import { fillTree } from "./host/storage/pseudo-tree.ts";
import { mac, rackMachine, type TestMachine } from "./machine.ts";
import { openSite } from "./site/site.ts";

/** A machine whose GRUB measures, running compute/1. */
function measuredMachine(t: TestContext, facts: Partial<BoardFacts> = {}): TestMachine {
  const site = openSite();
  t.after(site.close);
  const machine = rackMachine(site, { tpm: makeTpm(), grubMeasures: true, ...facts });
  assert.ok(comeUp(machine).isUp);
  return machine;
}

const recordPath = "/var/lib/birther/measured-boot.json";

const found = ({ site }: TestMachine) => site.machine(mac).measuredBoot;

function require({ site }: TestMachine, requiredImage: string): void {
  site.apply({ kind: "detailsSet", id: site.machine(mac).id, by: "test", details: { requiredImage } });
}

function bootPartition({ board }: TestMachine) {
  const disk = bootFromDisk(board);
  if (disk.kind === "nothingToBoot") assert.fail(disk.why);
  return disk.boot;
}

test("a first boot, an update with a trial of its kernel, and the boots after it are as written", (t) => {
  const machine = measuredMachine(t);
  assert.deepEqual(found(machine), { kind: "asWritten" });
  require(machine, "compute/2");
  assert.ok(comeUp(machine).isUp);
  assert.equal(machine.site.machine(mac).runningImage, "compute/2");
  assert.deepEqual(found(machine), { kind: "asWritten" }, "the trial");
  machine.boot();
  assert.deepEqual(found(machine), { kind: "asWritten" }, "after the trial");
});

test("GRUB 2.12 starts kernels through their EFI stub: what that measures is expected, and another initrd is reported", (t) => {
  const machine = measuredMachine(t, { grubUsesStub: true });
  assert.deepEqual(found(machine), { kind: "asWritten" });
  require(machine, "compute/2");
  assert.ok(comeUp(machine).isUp);
  assert.deepEqual(found(machine), { kind: "asWritten" }, "the trial");
  const boot = bootPartition(machine);
  const [initrd = ""] = /\/kernels\/\S*initrd\.img\S*/.exec(textIn(boot, "/grub/grub.cfg") ?? "") ?? [];
  fillTree(boot).text(initrd, "an initrd of a stranger");
  boot.sync();
  machine.boot();
  assert.deepEqual(found(machine), { kind: "differs", pcrs: [9] });
});

test("a kernel that panics, and firmware that does not let GRUB write: the boots of the former kernel are as written", (t) => {
  const panicking = measuredMachine(t);
  require(panicking, "compute/2");
  const kernelTrouble: BootTrouble = ({ release }) => (release === "6.1.0-2" ? "panics" : "runs");
  for (let boots = 0; boots < 4; boots += 1) {
    panicking.boot({ kernelTrouble });
    assert.deepEqual(found(panicking), { kind: "asWritten" }, `boot ${boots}`);
  }
  const readOnly = measuredMachine(t, { grubWrites: false });
  require(readOnly, "compute/2");
  for (let boots = 0; boots < 4; boots += 1) {
    readOnly.boot();
    assert.deepEqual(found(readOnly), { kind: "asWritten" }, `boot ${boots}`);
  }
});

test("another initrd, or another command line, is reported in the boot that it starts; the next one is as written", (t) => {
  const machine = measuredMachine(t);
  const boot = bootPartition(machine);
  const config = textIn(boot, "/grub/grub.cfg") ?? "";
  const [initrd = ""] = /\/kernels\/\S*initrd\.img\S*/.exec(config) ?? [];
  fillTree(boot).text(initrd, "an initrd of a stranger");
  boot.sync();
  machine.boot();
  assert.deepEqual(found(machine), { kind: "differs", pcrs: [9] });
  machine.boot();
  assert.deepEqual(found(machine), { kind: "asWritten" });

  fillTree(bootPartition(machine)).text("/grub/grub.cfg", config.replace(" ro ", " ro init=/bin/sh "));
  bootPartition(machine).sync();
  machine.boot();
  assert.deepEqual(found(machine), { kind: "differs", pcrs: [8, 9] });
  machine.boot();
  assert.deepEqual(found(machine), { kind: "asWritten" });
});

test("a GRUB that does not measure is reported; without a TPM, and on BIOS firmware, nothing is", (t) => {
  assert.deepEqual(found(measuredMachine(t, { grubMeasures: false })), { kind: "notMeasured" });
  const storage = { minRootDiskMiB: 2048, espMiB: 64, bootMiB: 256, allowUnencrypted: true };
  const boards = [{}, { firmware: "bios", tpm: makeTpm() } as const];
  for (const facts of boards) {
    const site = openSite({ config: { storage } });
    t.after(site.close);
    const machine = rackMachine(site, facts);
    assert.ok(comeUp(machine).isUp);
    assert.equal(found(machine), undefined);
  }
});

test("an agent that expected nothing of its boot says nothing, also after it has derived the boot partition", (t) => {
  const machine = measuredMachine(t);
  const disk = bootFromDisk(machine.board);
  if (disk.kind === "nothingToBoot") assert.fail(disk.why);
  fillTree(disk.root).remove(recordPath);
  disk.root.sync();
  machine.boot();
  assert.equal(found(machine), undefined);
  const record = JSON.parse(textIn(disk.root, recordPath) ?? "");
  assert.equal(record.written.length, 1);
  assert.deepEqual(Object.keys(record.judged), ["bootId"], "a second start of the agent in this boot judges nothing");
  machine.boot();
  assert.deepEqual(found(machine), { kind: "asWritten" });
});

for (const [title, rule] of [
  ["PCRs cannot be read", { call: "open", about: /pcr-sha256/, trouble: { kind: "fails", errno: "EIO" } }],
  [
    "the record cannot be written",
    { call: "create", about: /measured-boot/, trouble: { kind: "fails", errno: "ENOSPC" } },
  ],
  ["a file cannot be hashed", { call: "sha256File", about: /kernels/, trouble: { kind: "fails", errno: "EIO" } }],
  ["initrds cannot be hashed", { call: "sha256TwoFiles", about: /kernels/, trouble: { kind: "fails", errno: "EIO" } }],
] as const)
  test(`${title}: the machine updates all the same, and nothing is reported to differ`, (t) => {
    const site = openSite();
    t.after(site.close);
    const machine = rackMachine(site, { tpm: makeTpm(), grubMeasures: true });
    const trial = { troubles: [rule] };
    assert.ok(comeUp(machine, trial).isUp);
    require(machine, "compute/2");
    assert.ok(comeUp(machine, trial).isUp);
    assert.equal(machine.site.machine(mac).runningImage, "compute/2");
    assert.equal(found(machine), undefined);
    machine.boot();
    assert.notEqual(found(machine)?.kind, "differs");
    machine.boot();
    assert.deepEqual(found(machine), { kind: "asWritten" }, "without the trouble");
  });

/** The calls between the record of a new configuration and the end of its writing, where a cut could separate the two. */
const writing = /grub|measured-boot\.json/;

test("the power is cut while a new configuration is written: no boot is reported to differ", (t) => {
  const { calls } = updated(t, {});
  const points = cutPoints(calls).filter(
    (cutAt) => process.env.POWER_CUTS === "all" || [cutAt - 1, cutAt].some((at) => writing.test(calls[at] ?? "")),
  );
  assert.ok(points.length >= 6, `${points.length} calls write it`);
  for (const [index, cutAt] of points.entries()) {
    const kind = index % 2 === 0 ? "kept" : "lost";
    const { machine } = updated(t, { cutAt, unsynced: { kind } });
    for (let boots = 0; boots < 2; boots += 1) {
      machine.boot();
      assert.notEqual(found(machine)?.kind, "differs", `cut before ${calls[cutAt - 1]}, ${kind}, boot ${boots}`);
    }
  }
});

/** A machine after the boot in which it updates to compute/2. */
function updated(t: TestContext, trial: Parameters<TestMachine["boot"]>[0]) {
  const machine = measuredMachine(t);
  require(machine, "compute/2");
  const { kernel } = machine.boot(trial);
  return { machine, calls: kernel.cpu.calls };
}
