import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { ensurePackages } from "../bootstrap-image/install-packages.ts";
import type { Actions } from "../cli/act/actions.ts";
import { failure } from "../cli/api/failure.ts";
import { importName } from "../core/image/image-name.ts";
import { defaultArchitecture } from "../core/machine/architecture.ts";
import { isForeign } from "../dominator/import/emulation.ts";
import { buildArchive } from "../dominator/import/recipe.ts";
import { draftOwner, isAbandoned } from "../dominator/storage/draft-owner.ts";
import { openLog } from "../log/structured-log.ts";
import { importFrom, untilInterrupted } from "./image-actions.ts";
import { packagesToEmulate } from "./packages.ts";

const log = openLog({ json: false, least: "info" });

/** Builds an image by a recipe, with the packages of today, and imports it; no machine moves to it. */
export const buildImage: Actions["buildImage"] = async (asked) => {
  const { stateDirectory, stream, recipe, file, reason, onLine, onProgress, onNotCarried } = asked;
  const name = importName(stream, []);
  if (name.kind === "unusable") throw failure("misused", name.reason, "name a stream, such as compute");
  if (process.getuid?.() !== 0)
    throw failure("failed", "expected to run as root, which mmdebstrap needs to unpack a system", "run it with sudo");
  using interruption = untilInterrupted("build interrupted; no image was added", "repeat the command");
  const directory = await newBuild(join(stateDirectory, "builds"));
  try {
    const archive = join(directory, "image.tar");
    if (isForeign(recipe.architecture ?? defaultArchitecture)) await ensurePackages(packagesToEmulate, log);
    await buildArchive({ recipe, archive, onProgress: onLine, signal: interruption.signal });
    interruption.signal.throwIfAborted();
    const sha256 = createHash("sha256").update(JSON.stringify(recipe)).digest("hex");
    const origin = `recipe ${basename(file)} (suite ${recipe.suite}, SHA-256 of the recipe as JSON ${sha256})`;
    const wanted = { stateDirectory, stream: name.stream, source: archive, confidential: false, origin, reason };
    return await importFrom({ ...wanted, onProgress, onNotCarried });
  } finally {
    await rm(directory, { recursive: true });
  }
};

/** Makes a directory for a build, and removes those of killed ones. */
async function newBuild(builds: string): Promise<string> {
  await mkdir(builds, { recursive: true, mode: 0o700 });
  for (const name of await readdir(builds))
    if (isAbandoned(name)) await rm(join(builds, name), { recursive: true, force: true });
  return await mkdtemp(join(builds, draftOwner()));
}
