/** Does what needs the outer network before machines are born in namespaces without one: afterwards it lies in the cache. */
import { mkdtemp, rm } from "node:fs/promises";
import { prepareDemo } from "../../src/main/demo/prepare-demo.ts";

const directory = await mkdtemp("/var/tmp/birther-prepare-");
try {
  await prepareDemo(directory, {
    step: (title, work) => {
      process.stdout.write(`${title}…\n`);
      return work(() => {});
    },
  });
} finally {
  await rm(directory, { recursive: true, force: true });
}
