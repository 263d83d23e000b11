import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { driverFamilies, familiesOf } from "./driver-families.ts";

test("there are at least 30 families of NICs and storage controllers, each with its own name and modules", () => {
  const devices = driverFamilies.filter(({ kind }) => kind === "nic" || kind === "storage");
  assert.ok(devices.length >= 30, `${devices.length} families`);
  assert.equal(new Set(driverFamilies.map(({ name }) => name)).size, driverFamilies.length);
  const names = driverFamilies.flatMap(({ modules: each }) => [...each]);
  assert.equal(new Set(names).size, names.length);
});

test("the image for virtual machines has the devices of hypervisors, and none of the servers' own", () => {
  const modulesOf = (profile: "generic" | "virtual") =>
    new Set(familiesOf("amd64", profile).flatMap(({ modules }) => modules));
  const [generic, virtual] = [modulesOf("generic"), modulesOf("virtual")];
  for (const name of [
    "virtio_net",
    "e1000",
    "vmxnet3",
    "virtio_blk",
    "nvme",
    "ahci",
    "i6300esb",
    "dm_crypt",
    "tpm_crb",
  ])
    assert.ok(virtual.has(name) && generic.has(name), name);
  for (const name of ["mlx5_core", "megaraid_sas", "ipmi_watchdog", "coretemp"])
    assert.ok(!virtual.has(name) && generic.has(name), name);
});

test("docs/bootstrap-image.md shows every family with its modules", async () => {
  const document = await readFile(join(import.meta.dirname, "../../../docs/bootstrap-image.md"), "utf8");
  for (const { name, modules } of driverFamilies) {
    const row = `| ${name} | \`${modules.join(" ")}\` |`;
    assert.ok(document.includes(row), `docs/bootstrap-image.md lacks the line ${row}`);
  }
});
