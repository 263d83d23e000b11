import assert from "node:assert/strict";
import { test } from "node:test";
import { why } from "../../src/core/machine/health/waiting-for.ts";
import { mac, rackMachine } from "./machine.ts";
import { openSite } from "./site/site.ts";

const strangeNic = { address: "0000:03:00.0", vendor: "14e4", device: "168e" } as const;
const kernelRecords =
  "6,1,100,-;Linux version 6.12\n4,2,2100000,-;ice 0000:04:00.0: firmware: failed to load intel/ice/ddp/ice.pkg (-2)\n";

test("a machine is born by another card, and its record names the families of those that lack firmware", (t) => {
  const site = openSite({ config: { images: [{ image: "compute" }] } });
  t.after(site.close);
  const { end, kernel } = rackMachine(site, { strangeNic, kernelRecords }).bootInit();
  assert.equal(end.kind, "switchedRoot", kernel.screen.join("\n"));
  const machine = site.machine(mac);
  assert.deepEqual(machine.hardware?.missingFirmware, [
    { device: "14e4:168e at 0000:03:00.0", family: "bnx2x" },
    { device: "ice 0000:04:00.0", family: "ice", file: "intel/ice/ddp/ice.pkg" },
  ]);
  const { evidence } = why(machine, { nowMs: 0, deadlineSeconds: {} as never });
  assert.ok(
    evidence.some((line) => line.includes("add bnx2x to bootstrapImage.firmware")),
    evidence.join("\n"),
  );
  assert.match(kernel.screen.join("\n"), /WARN: NIC 14e4:168e at 0000:03:00\.0 needs a driver and firmware/);
});

test("a machine whose only card has no driver says on its console which family to add", (t) => {
  const site = openSite({ config: { images: [{ image: "compute" }] } });
  t.after(site.close);
  const { end, kernel } = rackMachine(site, { strangeNic, nicDriver: "not_in_the_image" }).bootInit();
  assert.notEqual(end.kind, "switchedRoot");
  assert.match(
    kernel.screen.join("\n"),
    /expected a NIC with the MAC 52:54:00:12:34:56, found none; NIC 14e4:168e at 0000:03:00\.0 needs a driver and firmware that the Bootstrap Image lacks: add bnx2x to bootstrapImage\.firmware/,
  );
  assert.doesNotMatch(kernel.screen.join("\n"), /14e4:168e has no driver/);
});

test("a machine with all its firmware has nothing of it on its record", (t) => {
  const site = openSite({ config: { images: [{ image: "compute" }] } });
  t.after(site.close);
  const { end } = rackMachine(site, { kernelRecords: "6,1,100,-;Linux version 6.12\n" }).bootInit();
  assert.equal(end.kind, "switchedRoot");
  assert.equal(site.machine(mac).hardware?.missingFirmware, undefined);
});

test("the kernel's messages are in the machine's log beside init's own, with the same clock; those for debugging are not", (t) => {
  const site = openSite({ config: { images: [{ image: "compute" }] } });
  t.after(site.close);
  const records =
    "6,1,100,-;Linux version 6.12\n SUBSYSTEM=x\n3,2,2140000,-;eth0: link is down\n7,3,2150000,-;a probe\n";
  const { end } = rackMachine(site, { kernelRecords: records }).bootInit();
  assert.equal(end.kind, "switchedRoot");
  const lines = site.log(mac);
  assert.ok(lines.includes("[   0.0] kernel: Linux version 6.12"), lines.join("\n"));
  assert.equal(lines.filter((line) => line === "[   2.1] kernel: eth0: link is down").length, 1);
  assert.ok(!lines.some((line) => /a probe|SUBSYSTEM/.test(line)));
});

test("a kernel that says very much: the newest messages are in the log, and how many are not", (t) => {
  const site = openSite({ config: { images: [{ image: "compute" }] } });
  t.after(site.close);
  const kernelRecords = Array.from({ length: 1000 }, (_, n) => `4,${n},${n}000,-;message ${n}\n`).join("");
  assert.equal(rackMachine(site, { kernelRecords }).bootInit().end.kind, "switchedRoot");
  const kernel = site.log(mac).filter((line) => line.includes("kernel: "));
  assert.equal(kernel.length, 401, kernel.slice(0, 3).join("\n"));
  assert.equal(kernel[0], "kernel: 600 earlier messages are left out");
  assert.match(kernel.at(-1) ?? "", /message 999$/);
});
