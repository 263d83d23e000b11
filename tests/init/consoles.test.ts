import assert from "node:assert/strict";
import { test } from "node:test";
import { rackMachine } from "./machine.ts";
import { openSite } from "./site/site.ts";

const serialOnly = { "/class/tty/console/active": "ttyS0\n" } as const;

test("a kernel that writes to the firmware's serial port only, as on arm64: init's lines are on a monitor, too", (t) => {
  const site = openSite();
  t.after(site.close);
  const sysFiles = { ...serialOnly, "/class/graphics/fb0/name": "EFI VGA\n" };
  const { end, kernel } = rackMachine(site, { sysFiles }).bootInit();
  assert.equal(end.kind, "switchedRoot", kernel.screen.join("\n"));
  assert.ok(kernel.monitor.some((line) => line.includes("order taken")));
  const shown = kernel.monitor.filter((line) => /^\[ *[\d.]+\] /.test(line));
  assert.deepEqual(
    kernel.screen.filter((line) => /^\[ *[\d.]+\] /.test(line)),
    shown,
  );
});

test("without a monitor nothing is written to one, and a monitor that the kernel writes to gets each line once", (t) => {
  const site = openSite();
  t.after(site.close);
  const { kernel: without } = rackMachine(site, { sysFiles: serialOnly }).bootInit();
  assert.deepEqual(without.monitor, []);
  const both = { "/class/graphics/fb0/name": "EFI VGA\n" };
  const second = openSite();
  t.after(second.close);
  const { kernel } = rackMachine(second, { sysFiles: both }).bootInit();
  assert.equal(kernel.monitor.filter((line) => line.includes("order taken")).length, 1);
});
