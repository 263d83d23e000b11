import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { machineArchitectures } from "../../src/core/machine/architecture.ts";
import { isForeign } from "../../src/dominator/import/emulation.ts";
import { buildArchive, demoRecipe } from "../../src/dominator/import/recipe.ts";

test("a recipe for another architecture names the packages that run its programs, before anything is made", {
  timeout: 60_000,
}, async () => {
  const architecture = machineArchitectures.find(isForeign);
  assert.ok(architecture !== undefined, "no computer runs the programs of both");
  using programs = programsThatFail(["arch-test", "modprobe", "mount"]);
  const archive = join(programs.made, "image.tar");
  await assert.rejects(
    buildArchive({ recipe: { ...demoRecipe(), architecture }, archive }),
    new RegExp(
      `run programs for ${architecture}, found that it does not; run apt-get install arch-test qemu-user-static`,
    ),
  );
  assert.deepEqual(readdirSync(programs.made), []);
});

/** A PATH with these programs only, all of which fail. */
function programsThatFail(names: readonly string[]): Disposable & { readonly made: string } {
  const [directory, made] = ["path", "made"].map((name) => mkdtempSync(join(tmpdir(), `birther-foreign-${name}-`)));
  assert.ok(directory !== undefined && made !== undefined);
  for (const name of names) symlinkSync("/bin/false", join(directory, name));
  const before = process.env.PATH;
  process.env.PATH = directory;
  return {
    made,
    [Symbol.dispose]: () => {
      process.env.PATH = before;
      for (const each of [directory, made]) rmSync(each, { recursive: true });
    },
  };
}
