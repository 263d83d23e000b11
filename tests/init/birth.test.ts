import assert from "node:assert/strict";
import { after, test } from "node:test";
import { diskKeyVariable } from "../../src/core/boot-loader/efi-variable.ts";
import { ip } from "../../src/core/net/testing/addresses.ts";
import { textIn } from "./host/grub.ts";
import { mac, rackMachine } from "./machine.ts";
import { openSite } from "./site/site.ts";

const site = openSite();
after(site.close);

test("a UEFI machine is born against the real MDB: the order of phases, the disk, the record", () => {
  const machine = rackMachine(site);
  const { end, kernel } = machine.bootInit();
  assert.deepEqual(end, { kind: "switchedRoot", argv: ["/usr/local/sbin/birther-agent"] }, kernel.screen.join("\n"));

  const record = site.machine(mac);
  assert.equal(record.state, "healthy");
  assert.equal(record.hostname, "r01u07");
  assert.equal(record.permanentAddress, ip("10.77.1.71"));
  assert.equal(record.requiredImage, "compute/1");
  assert.deepEqual(record.conditions, []);
  const phases = ["initUp", "burnIn", "placed", "keysMade", "partitioned", "populated", "handedOver"];
  assert.deepEqual(record.timeline.map(({ phase }) => phase).slice(-phases.length), phases);
  assert.equal(record.storage?.encryption.kind, "luks2");
  assert.equal(record.burnIn?.verdict, "passed");
  assert.equal(record.hardware?.watchdog, "i6300ESB timer");

  const root = kernel.mounts.at("/")?.fileSystem ?? assert.fail("no root");
  assert.equal(textIn(root, "/etc/hostname"), "r01u07\n");
  assert.match(textIn(root, "/etc/fstab") ?? "", /^\/dev\/mapper\/birther-root \/ ext4/);
  assert.match(textIn(root, "/etc/birther/sub.json") ?? "", /"mdb": "10\.77\.1\.1:443"/);
  assert.equal(textIn(root, "/usr/local/lib/birther/unlock/lib/libc.so.6"), "libc");
  assert.deepEqual(
    kernel.mounts
      .list()
      .map(({ point }) => point)
      .sort(),
    ["/", "/boot/efi", "/dev", "/proc", "/run", "/sys", "/var/lib/birther/boot"]
      .concat(["/sys/firmware/efi/efivars"])
      .sort(),
  );
  assert.ok(machine.board.nvram.root.entries.has(diskKeyVariable));
  assert.equal(kernel.hostname, "r01u07");
  assert.equal(kernel.nic.address(), "10.77.1.71");
  assert.equal(kernel.watchdog.armedSeconds(), undefined, "released for the sub");
});

test("a BIOS machine is born unencrypted where the policy allows it, and its first sector is GRUB's", () => {
  const other = openSite({
    config: { storage: { allowUnencrypted: true, minRootDiskMiB: 2048, espMiB: 64, bootMiB: 256 } },
  });
  const machine = rackMachine(other, { firmware: "bios" });
  const { end, kernel } = machine.bootInit();
  assert.equal(end.kind, "switchedRoot", kernel.screen.join("\n"));
  assert.equal(other.machine(mac).storage?.encryption.kind, "none");
  const first = machine.board.disks.get("vda")?.read(0, 512) ?? new Uint8Array();
  assert.deepEqual([first[510], first[511], first[0x66]], [0, 0, 0x90]);
  other.close();
});

test("a rebirth keeps the root disk of the record and makes a new key; a clean skips the burn-in", () => {
  const other = openSite();
  const machine = rackMachine(other, {
    disks: [
      { name: "vda", sizeBytes: 8 * 2 ** 30, serial: "large" },
      { name: "vdb", sizeBytes: 4 * 2 ** 30, serial: "small" },
    ],
  });
  machine.bootInit();
  const { id, storage } = other.machine(mac);
  assert.equal(storage?.rootDisk.serial, "small");
  const keyOf = () => {
    const number = machine.board.nvram.root.entries.get(diskKeyVariable) ?? assert.fail("no key");
    return Buffer.from(machine.board.nvram.get(number).data).toString("hex");
  };
  const firstKey = keyOf();
  other.apply({ kind: "rebirthAsked", id, by: "test" });
  const again = machine.bootInit();
  assert.equal(again.end.kind, "switchedRoot", again.kernel.screen.join("\n"));
  assert.match(other.machine(mac).storage?.rootDisk.why ?? "", /^the root disk on record/);
  assert.notEqual(keyOf(), firstKey);

  other.apply({ kind: "cleanAsked", id, by: "test" });
  const clean = machine.bootInit();
  assert.ok(!clean.kernel.screen.some((line) => line.includes("burn-in: ")));
  assert.equal(other.machine(mac).state, "healthy");
  other.close();
});
