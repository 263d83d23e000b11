import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { firmwareFamilies, firmwareFamilyNames } from "../../core/bootstrap-image/firmware-families.ts";
import { firmwareIndex, packagesOfFamilies } from "./firmware.ts";
import { readModule } from "./kernel-modules.ts";

const moduleOf = (name: string, ...info: (readonly [string, string])[]) =>
  readModule(`kernel/drivers/net/${name}.ko`, [["alias", `pci:${name}*`], ...info]);
const kernel = {
  modules: [moduleOf("ice", ["firmware", "intel/ice/ddp/ice.pkg"])],
  familyModules: [
    moduleOf("ice", ["firmware", "intel/ice/ddp/ice.pkg"]),
    moduleOf("qed", ["firmware", "qed/qed_init_values.bin"]),
    moduleOf("qede", ["depends", "qed"]),
    moduleOf("bnx2x", ["firmware", "bnx2x/a.fw"], ["firmware", "bnx2x/b.fw"]),
  ],
};

test("the index names devices, files and drivers of families that are left out; a driver of the image has no devices there", () => {
  assert.equal(
    firmwareIndex(kernel, ["bnx2x"]),
    [
      "file intel/ice/ddp/ice.pkg ice",
      "driver ice ice",
      "alias pci:qed* qede",
      "file qed/qed_init_values.bin qede",
      "driver qed qede",
      "alias pci:qede* qede",
      "driver qede qede",
      "",
    ].join("\n"),
  );
  assert.equal(firmwareIndex(kernel, firmwareFamilyNames), "");
});

test("each family has a name of its own and a package in each release; families share packages", () => {
  assert.equal(new Set(firmwareFamilyNames).size, firmwareFamilies.length);
  assert.deepEqual([...firmwareFamilyNames].sort(), firmwareFamilyNames);
  assert.deepEqual(packagesOfFamilies(["cxgb4", "tg3"], "bookworm"), ["firmware-misc-nonfree"]);
  for (const family of firmwareFamilyNames) assert.equal(packagesOfFamilies([family], "trixie").length, 1);
});

test("docs/bootstrap-image.md shows every family with its modules", async () => {
  const document = await readFile(join(import.meta.dirname, "../../../docs/bootstrap-image.md"), "utf8");
  for (const { family, title, modules } of firmwareFamilies) {
    const row = `| \`${family}\` | ${title} | \`${modules.join(" ")}\` |`;
    assert.ok(document.includes(row), `docs/bootstrap-image.md lacks the line ${row}`);
  }
});
