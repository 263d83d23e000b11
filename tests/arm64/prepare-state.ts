import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Log } from "../../src/core/ports.ts";
import { importImages } from "../../src/dominator/import/image.ts";
import { buildRecipe, demoRecipe } from "../../src/dominator/import/recipe.ts";
import { openImageStore } from "../../src/dominator/storage/image-store.ts";
import { openObjectStore } from "../../src/dominator/storage/object-store.ts";
import { drawWholeSystem } from "../../src/dominator/testing/whole-system.ts";
import { cacheDirectory, pathsIn } from "../../src/main/paths.ts";
import { prepareServer } from "../../src/main/server/prepare-server.ts";

/** The stream of the arm64 system, and that of a system which no machine of the suite may get. */
export const streams = { arm64: "compute-arm", amd64: "compute" } as const;

/** The archive of the demo's system for arm64, from the cache or built, which takes long under QEMU. */
export function arm64Archive(log: Log, signal?: AbortSignal): Promise<string> {
  const recipe = demoRecipe("trixie", "arm64");
  const onProgress = (line: string) => log("info", line);
  return buildRecipe({ recipe, cacheDirectory, log, onProgress, ...(signal && { signal }) });
}

/** A state directory with the Bootstrap Images of both architectures, and an image of each. */
export async function prepareArm64(directory: string, log: Log, signal?: AbortSignal): Promise<void> {
  const stateDirectory = join(directory, "state");
  for (const architecture of ["amd64", "arm64"] as const) await prepareServer({ stateDirectory, architecture, log });
  const paths = pathsIn(stateDirectory);
  const images = await openImageStore(paths.images, { log });
  const objects = await openObjectStore(paths.objects);
  const foreign = await mkdtemp(join(tmpdir(), "birther-amd64-system-"));
  try {
    drawWholeSystem(foreign);
    const add = (stream: string, source: string) =>
      importImages({ ...{ images, objects, source, streams: [stream], nowMs: Date.now() } });
    await add(streams.amd64, foreign);
    await add(streams.arm64, await arm64Archive(log, signal));
  } finally {
    await rm(foreign, { recursive: true });
  }
}
