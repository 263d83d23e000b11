/** Does what needs the outer network before machines are born in namespaces without one: afterwards it lies in the cache. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeSecureBootKey } from "../../src/bootstrap-image/secure-boot/key.ts";
import { prepareDemo } from "../../src/main/demo/prepare-demo.ts";
import { pathsIn } from "../../src/main/paths.ts";

const directory = await mkdtemp(join(tmpdir(), "birther-prepare-"));
try {
  // With a key, so that what the signed image is made of lies in the cache, too.
  await makeSecureBootKey(pathsIn(join(directory, "state")).secureBoot, Date.now());
  await prepareDemo(directory, {
    step: (title, work) => {
      process.stdout.write(`${title}…\n`);
      return work(() => {});
    },
  });
} finally {
  await rm(directory, { recursive: true, force: true });
}
