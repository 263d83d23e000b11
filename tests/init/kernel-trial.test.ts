import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { comeUp } from "./convergence.ts";
import type { BoardFacts } from "./host/board.ts";
import { type BootTrouble, bootFromDisk } from "./host/disk-boot.ts";
import { kernelsOn, textIn } from "./host/grub.ts";
import { fillTree } from "./host/storage/pseudo-tree.ts";
import { mac, rackMachine, type TestMachine } from "./machine.ts";
import { openSite } from "./site/site.ts";

/** A machine that runs compute/1 with a confirmed kernel. */
function runningMachine(t: TestContext, facts: Partial<BoardFacts> = {}): TestMachine {
  const storage = { minRootDiskMiB: 2048, espMiB: 64, bootMiB: 256, allowUnencrypted: facts.firmware === "bios" };
  const site = openSite({ config: { storage } });
  t.after(site.close);
  const machine = rackMachine(site, facts);
  assert.ok(comeUp(machine).isUp);
  return machine;
}

function require({ site }: TestMachine, requiredImage: string): void {
  site.apply({ kind: "detailsSet", id: site.machine(mac).id, by: "test", details: { requiredImage } });
}

function onDisk({ board }: TestMachine) {
  const found = bootFromDisk(board);
  if (found.kind === "nothingToBoot") assert.fail(found.why);
  return found;
}

/** The second kernel panics; counts how often it was started. */
function panickingSecond() {
  const starts = { count: 0 };
  const trouble: BootTrouble = ({ release }) => {
    if (release !== "6.1.0-2") return "runs";
    starts.count += 1;
    return "panics";
  };
  return { starts, trouble };
}

for (const firmware of ["uefi", "bios"] as const)
  test(`a kernel that panics is tried twice; the former one runs, and the record names it (${firmware})`, (t) => {
    const machine = runningMachine(t, { firmware });
    require(machine, "compute/2");
    const { starts, trouble } = panickingSecond();
    for (let boots = 0; boots < 6; boots += 1) machine.boot({ kernelTrouble: trouble });
    assert.equal(starts.count, 2);
    const { root, release } = onDisk(machine);
    assert.equal(release, "6.1.0-1");
    assert.notEqual(textIn(root, "/usr/lib/modules/6.1.0-1/modules.dep"), undefined, "its modules are still there");
    const record = machine.site.machine(mac);
    const failing = record.conditions.find(({ kind }) => kind === "failing")?.reason ?? "";
    assert.match(failing, /kernel 6\.1\.0-2 \(\w{8}\) did not come up in 2 attempts; kernel 6\.1\.0-1 \(\w{8}\) runs/);
    assert.deepEqual([record.phase === "up", record.runningImage], [false, undefined], "it does not run compute/2");

    require(machine, "compute/1");
    assert.ok(comeUp(machine).isUp);
    const back = machine.site.machine(mac);
    assert.deepEqual([back.phase, back.runningImage, back.conditions], ["up", "compute/1", []]);
    require(machine, "compute/2");
    assert.deepEqual(comeUp(machine).isUp, true, "required again, it is tried again");
    assert.equal(machine.site.machine(mac).runningImage, "compute/2");
    assert.equal(onDisk(machine).release, "6.1.0-2");
  });

test("a kernel that panics once, as after a power cut, is tried again and confirmed", (t) => {
  const machine = runningMachine(t);
  require(machine, "compute/2");
  let panics = 1;
  const trouble: BootTrouble = ({ release }) => (release === "6.1.0-2" && panics-- > 0 ? "panics" : "runs");
  for (let boots = 0; boots < 4; boots += 1) machine.boot({ kernelTrouble: trouble });
  const record = machine.site.machine(mac);
  assert.deepEqual([record.phase, record.runningImage, record.conditions], ["up", "compute/2", []]);
});

test("a kernel under which the server is not reached gives way to the former one after ten minutes", (t) => {
  const machine = runningMachine(t);
  require(machine, "compute/2");
  machine.boot();
  const alone = machine.boot({ wire: { listeners: new Map() }, minutes: 30 });
  assert.deepEqual(alone.end, { kind: "restarted", how: "restart" });
  assert.equal(onDisk(machine).release, "6.1.0-1");
  const again = machine.boot({ wire: { listeners: new Map() }, minutes: 30 });
  assert.equal(again.end.kind, "stopped", "a confirmed kernel waits for the server");
  assert.ok(comeUp(machine).isUp);
  assert.equal(machine.site.machine(mac).runningImage, "compute/2");
});

test("firmware that does not let GRUB write: the new kernel is not tried, and then is the default", (t) => {
  const machine = runningMachine(t, { grubWrites: false });
  require(machine, "compute/2");
  for (let boots = 0; boots < 5; boots += 1) machine.boot();
  const record = machine.site.machine(mac);
  assert.deepEqual([record.phase, record.runningImage, record.conditions], ["up", "compute/2", []]);
  assert.match(textIn(onDisk(machine).root, "/var/lib/birther/kernels.json") ?? "", /"unwritable":true/);
});

test("a boot partition without room for a second kernel: refused before the first step, with the numbers", (t) => {
  const machine = runningMachine(t);
  const { boot } = onDisk(machine);
  fillTree(boot).bytes("/of-another", new Uint8Array(boot.freeBytes() - 2 * 2 ** 20));
  boot.sync();
  const kernels = kernelsOn(boot);
  require(machine, "compute/2");
  for (let boots = 0; boots < 2; boots += 1) machine.boot();
  const { root, release } = onDisk(machine);
  assert.equal(release, "6.1.0-1");
  assert.deepEqual(
    [textIn(root, "/usr/bin/tool"), textIn(root, "/etc/gone")],
    ["tool of the first\n", "of the first\n"],
  );
  assert.deepEqual([kernelsOn(boot), textIn(root, "/boot/vmlinuz-6.1.0-2")], [kernels, undefined]);
  const failing = machine.site.machine(mac).conditions.find(({ kind }) => kind === "failing")?.reason ?? "";
  assert.match(
    failing,
    /boot partition: expected 5 MiB for kernel 6\.1\.0-2 beside the one that boots now, found 2 MiB; the machine keeps its kernel/,
  );

  fillTree(boot).remove("/of-another");
  boot.sync();
  assert.ok(comeUp(machine).isUp);
  assert.equal(machine.site.machine(mac).runningImage, "compute/2");
  assert.equal(onDisk(machine).release, "6.1.0-2");
});

test("a damaged boot partition heals itself from /boot at the start of the agent", (t) => {
  const machine = runningMachine(t);
  const { boot } = onDisk(machine);
  const before = textIn(boot, "/grub/grub.cfg");
  const [kernel = ""] = kernelsOn(boot);
  fillTree(boot).text("/grub/grub.cfg", "set default=7\n");
  fillTree(boot).text(`/kernels/${kernel}/initrd.img-6.1.0-1`, "bad block");
  boot.sync();
  // What GRUB has in memory still starts.
  fillTree(boot).text("/grub/grub.cfg", before ?? "");
  boot.sync();
  machine.boot();
  const healed = onDisk(machine).boot;
  assert.equal(textIn(healed, `/kernels/${kernel}/initrd.img-6.1.0-1`), "initrd");
  assert.equal(textIn(healed, "/grub/grub.cfg"), before);
  assert.deepEqual(machine.site.machine(mac).conditions, []);
});

test("a machine of the former layout keeps its boot partition at /boot, with the new agent as with the old one", (t) => {
  const site = openSite();
  t.after(site.close);
  const machine = rackMachine(site);
  machine.boot({ cutAt: cutAfterHandOver(t), unsynced: { kind: "kept" } });
  const root = [...machine.board.fileSystems.values()].find((each) => textIn(each, "/etc/fstab") !== undefined);
  assert.ok(root !== undefined);
  const rewrite = (path: string, from: string, to: string) =>
    fillTree(root).text(path, (textIn(root, path) ?? "").replace(from, to));
  rewrite("/etc/fstab", "/var/lib/birther/boot", "/boot");
  const { mountPoint: _new, ...boot } = JSON.parse(textIn(root, "/etc/birther/sub.json") ?? "").boot;
  const settings = { ...JSON.parse(textIn(root, "/etc/birther/sub.json") ?? ""), boot };
  fillTree(root).text("/etc/birther/sub.json", JSON.stringify(settings));
  root.sync();
  assert.ok(comeUp(machine).isUp);
  require(machine, "compute/2");
  assert.ok(comeUp(machine).isUp);
  machine.boot();
  const found = onDisk(machine);
  assert.equal(found.release, "6.1.0-2");
  assert.deepEqual(kernelsOn(found.boot), []);
  assert.notEqual(textIn(found.boot, "/vmlinuz-6.1.0-2"), undefined);
  assert.equal(textIn(found.boot, "/vmlinuz-6.1.0-1"), undefined);
  const record = site.machine(mac);
  assert.deepEqual([record.phase, record.runningImage, record.conditions], ["up", "compute/2", []]);
});

/** The number of the first call of the agent after a birth. */
function cutAfterHandOver(t: TestContext): number {
  const site = openSite();
  t.after(site.close);
  const { kernel } = rackMachine(site).boot();
  return kernel.cpu.calls.findIndex((call) => call.startsWith("switchRoot ")) + 40;
}
