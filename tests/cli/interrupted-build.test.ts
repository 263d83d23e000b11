import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { buildArchive, demoRecipe } from "../../src/dominator/import/recipe.ts";

/** A build makes its files in fewer turns of the event loop. */
const mostTurns = 60;

test("a build that is interrupted, whenever that is, ends and leaves nothing", async () => {
  using directory = programThatDoesNotEnd();
  for (let turns = 0; turns < mostTurns; turns++) {
    const ending = new AbortController();
    const archive = join(directory.path, "image.tar");
    const built = assert.rejects(buildArchive({ recipe: demoRecipe(), archive, signal: ending.signal }), /interrupted/);
    for (let passed = 0; passed < turns; passed++) await turn();
    ending.abort(new Error("interrupted"));
    await built;
    assert.deepEqual(readdirSync(directory.path), ["setpriv"]);
  }
});

/** A directory with a `setpriv` that the PATH finds first. */
function programThatDoesNotEnd(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "birther-recipe-test-"));
  writeFileSync(join(path, "setpriv"), "#!/bin/sh\nexec sleep 300\n");
  chmodSync(join(path, "setpriv"), 0o755);
  const before = process.env.PATH;
  process.env.PATH = `${path}:${before}`;
  return {
    path,
    [Symbol.dispose]: () => {
      process.env.PATH = before;
      rmSync(path, { recursive: true });
    },
  };
}
