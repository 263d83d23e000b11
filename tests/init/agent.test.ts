import assert from "node:assert/strict";
import { test } from "node:test";
import { globalVariable, lastingVariable } from "../../src/core/boot-loader/efi-variable.ts";
import { comeUp } from "./convergence.ts";
import { bootFromDisk } from "./host/disk-boot.ts";
import { fileIn, kernelsOn, textIn } from "./host/grub.ts";
import { fillTree } from "./host/storage/pseudo-tree.ts";
import { mac, rackMachine, type TestMachine } from "./machine.ts";
import { toolAttributes } from "./site/images.ts";
import { openSite } from "./site/site.ts";

/** The root and the boot partition as the next boot finds them. */
function onDisk({ board }: TestMachine) {
  const found = bootFromDisk(board);
  if (found.kind === "nothingToBoot") assert.fail(found.why);
  return found;
}

test("from PXE to a running image: the agent fetches, updates, restarts, and reports from the disk's system", (t) => {
  const site = openSite();
  t.after(site.close);
  const machine = rackMachine(site);
  const born = machine.boot();
  assert.deepEqual(born.end, { kind: "restarted", how: "restart" }, born.kernel.screen.join("\n"));
  assert.equal(born.kernel.watchdog.armedSeconds(), 300, "a restart that hangs is a reset");
  assert.equal(site.machine(mac).phase, "rebooting");

  const { root, boot, release } = onDisk(machine);
  assert.equal(release, "6.1.0-1");
  assert.equal(textIn(root, "/var/lib/birther/patched-image"), "compute/1\n");
  assert.equal(textIn(root, "/etc/passwd"), "root\n");
  assert.equal(textIn(root, "/etc/hostname"), "r01u07\n", "what is the machine's own stays");
  assert.deepEqual([...(fileIn(root, "/usr/bin/tool")?.attributes ?? [])], toolAttributes["tool of the first\n"]);
  assert.equal(textIn(root, "/.birther-agent/objects"), undefined);
  assert.match(textIn(boot, "/grub/grub.cfg") ?? "", /initrd \S+\/initrd\.img-6\.1\.0-1 \S+\/birther-unlock\.img/);

  const before = site.log(mac);
  assert.ok(
    before.some((text) => text.includes("directive received")),
    "from the Bootstrap Image",
  );
  const up = machine.boot();
  assert.equal(up.answer.kind, "localDisk");
  const since = site.log(mac).slice(before.length);
  assert.ok(
    since.some((text) => text.includes("birther-agent started")),
    "from the system on the disk",
  );
  const record = site.machine(mac);
  assert.deepEqual([record.phase, record.runningImage, record.conditions], ["up", "compute/1", []]);
});

test("a new image with another kernel: the difference is fetched, systemd is asked to restart, the old kernel is gone", (t) => {
  const site = openSite();
  t.after(site.close);
  const machine = rackMachine(site);
  machine.boot();
  machine.boot();
  const { id } = site.machine(mac);
  site.apply({ kind: "detailsSet", id, by: "test", details: { requiredImage: "compute/2" } });
  const updating = machine.boot();
  assert.deepEqual(updating.end, { kind: "restarted", how: "restart" }, updating.kernel.screen.join("\n"));
  assert.deepEqual(updating.kernel.ran.slice(1), ["systemctl reboot"], "after the agent itself");
  machine.boot();
  const { root, boot, release } = onDisk(machine);
  assert.equal(release, "6.1.0-2");
  assert.deepEqual([...boot.root.entries.keys()].sort(), ["grub", "kernels"]);
  assert.equal(kernelsOn(boot).length, 1, "that of the second image");
  const gone = ["/etc/gone", "/boot/vmlinuz-6.1.0-1", "/usr/lib/modules/6.1.0-1/modules.dep"];
  assert.deepEqual(
    gone.map((path) => textIn(root, path)),
    [undefined, undefined, undefined],
  );
  assert.equal(textIn(root, "/etc/new"), "of the second\n");
  assert.deepEqual([...(fileIn(root, "/usr/bin/tool")?.attributes ?? [])], toolAttributes["tool of the second\n"]);
  const record = site.machine(mac);
  assert.deepEqual([record.phase, record.runningImage, record.conditions], ["up", "compute/2", []]);
});

test("a kernel that Secure Boot would not start is refused before the first step of the update", (t) => {
  const site = openSite();
  t.after(site.close);
  const machine = rackMachine(site);
  machine.boot();
  machine.boot();
  // An operator has switched it on in the firmware since the birth.
  const secureBoot = lastingVariable(Uint8Array.of(1));
  fillTree(machine.board.nvram).bytes(`/${globalVariable("SecureBoot")}`, secureBoot);
  const { id } = site.machine(mac);
  site.apply({ kind: "detailsSet", id, by: "test", details: { requiredImage: "compute/2" } });
  machine.boot();
  const failing = site.machine(mac).conditions.find(({ kind }) => kind === "failing");
  assert.match(failing?.reason ?? "", /expected a signed kernel, because Secure Boot is on, found vmlinuz-6\.1\.0-2/);
  const { root, boot, release } = onDisk(machine);
  assert.equal(release, "6.1.0-1");
  assert.equal(kernelsOn(boot).length, 1);
  assert.deepEqual([textIn(root, "/etc/passwd"), textIn(root, "/etc/gone")], ["root\n", "of the first\n"]);
  assert.equal(textIn(root, "/var/lib/birther/patched-image"), "compute/1\n");
  site.apply({ kind: "detailsSet", id, by: "test", details: { requiredImage: "compute/1" } });
  machine.boot();
  assert.deepEqual(site.machine(mac).conditions, [], "required is again what it runs");
});

test("a resume brings the authorities of today: they may have been replaced while the machine was off", (t) => {
  const site = openSite();
  t.after(site.close);
  const machine = rackMachine(site);
  const { kernel } = machine.bootInit();
  const root = kernel.mounts.at("/")?.fileSystem ?? assert.fail("no root");
  fillTree(root).text("/etc/birther/ca.pem", "an authority that was retired since");
  assert.ok(comeUp(machine).isUp);
});

test("an agent that never reached the MDB at its permanent address restarts the machine after ten minutes", (t) => {
  const site = openSite();
  t.after(site.close);
  const machine = rackMachine(site);
  const only = new Map([...site.listeners].filter(([endpoint]) => endpoint.startsWith("10.77.0.")));
  const { end, kernel } = machine.boot({ wire: { listeners: only }, minutes: 60 });
  assert.deepEqual(end, { kind: "restarted", how: "restart" });
  assert.ok(kernel.cpu.monotonicMs() > 600_000 && kernel.cpu.monotonicMs() < 700_000);
  assert.match(kernel.screen.join("\n"), /ERROR: .*networks\[\]\.permanent/);
});

test("an update that takes long says how far it is, and ends as if it had not", (t) => {
  const site = openSite();
  t.after(site.close);
  const machine = rackMachine(site);
  const slow = { call: "chown", times: 12, trouble: { kind: "slow", milliseconds: 6000 } } as const;
  const born = machine.boot({ troubles: [slow] });
  assert.deepEqual(born.end, { kind: "restarted", how: "restart" }, born.kernel.screen.join("\n"));
  const updates = site.progress().filter(({ what }) => what === "update");
  assert.ok(updates.length > 0, "the server heard nothing");
  for (const { done, total } of updates) assert.ok(done > 0 && done <= total);
  machine.boot();
  assert.equal(site.machine(mac).phase, "up");
});
