/** Does what needs the outer network before machines are born in namespaces without one: afterwards it lies in the cache. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeSecureBootKey } from "../../src/bootstrap-image/secure-boot/key.ts";
import { buildRecipe, demoRecipe, demoSuites } from "../../src/dominator/import/recipe.ts";
import { cacheDirectory, pathsIn } from "../../src/main/paths.ts";
import { prepareServer } from "../../src/main/server/prepare-server.ts";
import { debian12, debian13 } from "./images-of-tests.ts";
import { firmwareTreeOf } from "./machine-firmware.ts";

const log = () => {};
const say = (line: string) => void process.stdout.write(`${line}\n`);

for (const release of ["bookworm", "trixie"] as const) await firmwareTreeOf(release);
const directory = await mkdtemp(join(tmpdir(), "birther-prepare-"));
try {
  // With a key, so that what the signed image is made of lies in the cache, too.
  const stateDirectory = join(directory, "state");
  await makeSecureBootKey(pathsIn(stateDirectory).secureBoot, Date.now());
  for (const { suite, firmware } of [debian13, debian12]) {
    await prepareServer({ suite, firmware, stateDirectory, log, verb: "demo" });
    say(`Bootstrap Image of ${suite}`);
  }
  // Side by side: a bootstrap waits for its mirror as long as it computes.
  await Promise.all(
    demoSuites.map(async (suite) => {
      await buildRecipe({ recipe: demoRecipe(suite), cacheDirectory, log });
      say(`the demo's system image of ${suite}`);
    }),
  );
} finally {
  await rm(directory, { recursive: true, force: true });
}
