import { join } from "node:path";
import type { FirmwareFamilyName } from "../../core/bootstrap-image/firmware-families.ts";
import type { BootstrapSuite } from "../../core/bootstrap-image/suite.ts";
import { counted } from "../../core/bytes/counted.ts";
import { importImages } from "../../dominator/import/image.ts";
import { buildRecipe, type DemoSuite, demoRecipe } from "../../dominator/import/recipe.ts";
import { openImageStore } from "../../dominator/storage/image-store.ts";
import { openObjectStore } from "../../dominator/storage/object-store.ts";
import { cacheDirectory, pathsIn } from "../paths.ts";
import { prepareServer } from "../server/prepare-server.ts";
import { systemClock } from "../system-ports.ts";
import { demoImages } from "./plan.ts";
import type { Steps } from "./steps.ts";

const mebibyte = 1024 * 1024;

/** What the machines of a demo run; by default what a first build takes, and Debian 13. */
export type DemoImages = {
  /** The release of their system image. */
  readonly system?: DemoSuite;
  /** The Bootstrap Image's suite and the network cards whose firmware it has. */
  readonly suite?: BootstrapSuite;
  readonly firmware?: readonly FirmwareFamilyName[];
};

/**
 * Does everything that needs the outer network before the namespace is entered: Debian packages, the Bootstrap Image,
 * and a plain Debian as every image that the demo's rules may choose. Fast from the second run on.
 */
export async function prepareDemo(
  directory: string,
  steps: Steps,
  { system, ...bootstrap }: DemoImages = {},
): Promise<void> {
  const stateDirectory = join(directory, "state");
  await steps.step("Bootstrap Image", (log) => prepareServer({ ...bootstrap, stateDirectory, log, verb: "demo" }));
  const source = await steps.step("System image: a plain Debian", (log) =>
    buildRecipe({ recipe: demoRecipe(system), cacheDirectory, log, onProgress: (line) => log("info", line) }),
  );
  await steps.step(`Import as ${demoImages.join(", ")}`, async (log) => {
    const paths = pathsIn(stateDirectory);
    const objects = await openObjectStore(paths.objects);
    const images = await openImageStore(paths.images, { log });
    await importImages({
      ...{ images, objects, source, streams: demoImages, nowMs: systemClock.nowMs() },
      onProgress: ({ paths, readBytes }) =>
        log("info", `${counted(paths, "path")}, ${Math.round(readBytes / mebibyte)} MiB`),
    });
  });
}
