/** Builds what births with recipes need of the outer network: the Bootstrap Image, and the archives of the recipes named, or of all. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { prepareServer } from "../../src/main/server/prepare-server.ts";
import { archiveFor, recipeNames } from "./archives.ts";

// What a build has mounted is unmounted before this process ends.
const interrupted = new AbortController();
process.once("SIGTERM", () => interrupted.abort(new Error("interrupted")));

const directory = await mkdtemp(join(tmpdir(), "birther-recipes-"));
try {
  const log = () => {};
  await prepareServer({ stateDirectory: join(directory, "state"), log, verb: "image build" });
  const named = process.argv.slice(2);
  for (const name of recipeNames)
    if (named.length === 0 || named.includes(name)) await archiveFor(name, log, interrupted.signal);
} finally {
  await rm(directory, { recursive: true });
}
