import assert from "node:assert/strict";
import { test } from "node:test";
import { bootFromDisk } from "./host/disk-boot.ts";
import { textIn } from "./host/grub.ts";
import { mac, rackMachine, type TestMachine } from "./machine.ts";
import { openSite } from "./site/site.ts";

const config = { images: [{ image: "vault/1" }] };

function textOnDisk({ board }: TestMachine, path: string): string | undefined {
  const found = bootFromDisk(board);
  return found.kind === "nothingToBoot" ? assert.fail(found.why) : textIn(found.root, path);
}

// The modules of these kernels are not real ones, so the encrypted root of a UEFI machine could not be opened.
const plain = {
  config: { ...config, storage: { allowUnencrypted: true, minRootDiskMiB: 2048, espMiB: 64, bootMiB: 256 } },
};

test("a machine is born with a confidential image, and updated to the next", (t) => {
  const site = openSite(plain);
  t.after(site.close);
  const machine = rackMachine(site, { firmware: "bios" });
  const born = machine.boot();
  assert.deepEqual(born.end, { kind: "restarted", how: "restart" }, born.kernel.screen.join("\n"));
  assert.equal(textOnDisk(machine, "/etc/passwd"), "secret: root\n");
  machine.boot();
  const { id, runningImage } = site.machine(mac);
  assert.equal(runningImage, "vault/1");
  site.apply({ kind: "detailsSet", id, by: "test", details: { requiredImage: "vault/2" } });
  machine.boot();
  machine.boot();
  assert.equal(textOnDisk(machine, "/etc/passwd"), "secret: root and more\n");
  assert.equal(site.machine(mac).runningImage, "vault/2");
});

test("a machine that boots the network again before its first image resumes with a confidential one", (t) => {
  const site = openSite(plain);
  t.after(site.close);
  const machine = rackMachine(site, { firmware: "bios" });
  machine.bootInit();
  const resumed = machine.boot();
  assert.equal(resumed.answer.kind, "bootstrapImage");
  assert.deepEqual(resumed.end, { kind: "restarted", how: "restart" }, resumed.kernel.screen.join("\n"));
  assert.equal(textOnDisk(machine, "/etc/passwd"), "secret: root\n");
});
