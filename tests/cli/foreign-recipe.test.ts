import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { machineArchitectures } from "../../src/core/machine/architecture.ts";
import { isForeign } from "../../src/dominator/import/emulation.ts";
import { buildArchive, demoRecipe } from "../../src/dominator/import/recipe.ts";

test("a recipe for another architecture names the packages that run its programs, before anything is made", async () => {
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

test("programs for arm64 run on a processor that is fast to emulate, unless the environment names one", async () => {
  const chosen = isForeign("arm64") ? "cortex-a72" : "";
  using programs = programsThatSay("QEMU_CPU");
  const build = () =>
    buildArchive({ recipe: demoRecipe("trixie", "arm64"), archive: join(programs.made, "image.tar") });
  await assert.rejects(build(), new RegExp(`QEMU_CPU=${chosen}$`));
  process.env.QEMU_CPU = "max";
  try {
    await assert.rejects(build(), /QEMU_CPU=max$/);
  } finally {
    delete process.env.QEMU_CPU;
  }
});

/** A PATH with these programs only, all of which fail. */
function programsThatFail(names: readonly string[]): Programs {
  return programsIn((directory) => {
    for (const name of names) symlinkSync("/bin/false", join(directory, name));
  });
}

/** A PATH whose mmdebstrap only says what a variable of its environment holds, and fails. */
function programsThatSay(variable: string): Programs {
  return programsIn((directory) => {
    symlinkSync("/bin/true", join(directory, "arch-test"));
    const script = `#!/bin/sh\necho "${variable}=$${variable}" >&2\nexit 1\n`;
    writeFileSync(join(directory, "setpriv"), script, { mode: 0o755 });
  });
}

type Programs = Disposable & { readonly made: string };

function programsIn(fill: (directory: string) => void): Programs {
  const [directory, made] = ["path", "made"].map((name) => mkdtempSync(join(tmpdir(), `birther-foreign-${name}-`)));
  assert.ok(directory !== undefined && made !== undefined);
  fill(directory);
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
