import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readLock } from "../../src/bootstrap-image/debian/lock.ts";
import { pathsIn } from "../../src/main/paths.ts";
import { prepareServer } from "../../src/main/server/prepare-server.ts";

test("an installation of Debian 12 stays with it, also when it is renewed, and is told what to set; a new one has Debian 13", async () => {
  const stateDirectory = await mkdtemp(join(tmpdir(), "birther-default-suite-"));
  try {
    const said: string[] = [];
    const build = async (wanted: Partial<Parameters<typeof prepareServer>[0]> = {}) => {
      said.length = 0;
      const log = (_level: string, message: string) => void said.push(message);
      const { suite, kernelVersion } = await prepareServer({ stateDirectory, log, verb: "image build", ...wanted });
      const lock = await readLock(pathsIn(stateDirectory).packageLock);
      return [suite, lock?.suite, /^\d+\.\d+/.exec(kernelVersion)?.[0], said.some((line) => /stays with/.test(line))];
    };
    assert.deepEqual(await build(), ["trixie", "trixie", "6.12", false]);
    assert.deepEqual(await build({ suite: "bookworm" }), ["bookworm", "bookworm", "6.1", false]);
    assert.deepEqual(await build(), ["bookworm", "bookworm", "6.1", true]);
    assert.match(said.join("\n"), /stays with bookworm, .*set bootstrapImage\.suite: trixie/);
    assert.deepEqual(await build({ renew: true }), ["bookworm", "bookworm", "6.1", true]);
    assert.deepEqual(await build({ suite: "trixie" }), ["trixie", "trixie", "6.12", false]);
    assert.deepEqual(await build(), ["trixie", "trixie", "6.12", false]);
  } finally {
    await rm(stateDirectory, { recursive: true });
  }
});
