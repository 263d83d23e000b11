import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { driverFamilies } from "./driver-families.ts";

test("there are at least 30 families of NICs and storage controllers, each with its own name and modules", () => {
  const devices = driverFamilies.filter(({ kind }) => kind === "nic" || kind === "storage");
  assert.ok(devices.length >= 30, `${devices.length} families`);
  assert.equal(new Set(driverFamilies.map(({ name }) => name)).size, driverFamilies.length);
  const names = driverFamilies.flatMap(({ modules: each }) => [...each]);
  assert.equal(new Set(names).size, names.length);
});

test("docs/bootstrap-image.md shows every family with its modules", async () => {
  const document = await readFile(join(import.meta.dirname, "../../../docs/bootstrap-image.md"), "utf8");
  for (const { name, modules } of driverFamilies) {
    const row = `| ${name} | \`${modules.join(" ")}\` |`;
    assert.ok(document.includes(row), `docs/bootstrap-image.md lacks the line ${row}`);
  }
});
