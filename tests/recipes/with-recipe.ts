import { join } from "node:path";
import { importImages } from "../../src/dominator/import/image.ts";
import { openImageStore } from "../../src/dominator/storage/image-store.ts";
import { openObjectStore } from "../../src/dominator/storage/object-store.ts";
import { pathsIn } from "../../src/main/paths.ts";
import { prepareServer } from "../../src/main/server/prepare-server.ts";
import { archiveFor, type recipeNames } from "./archives.ts";

const log = () => {};

/** Imports the archive of a recipe into a new state directory, beside the Bootstrap Image. */
export async function withRecipe(directory: string, name: (typeof recipeNames)[number]): Promise<void> {
  const stateDirectory = join(directory, "state");
  await prepareServer({ stateDirectory, log, verb: "image build" });
  const paths = pathsIn(stateDirectory);
  await importImages({
    images: await openImageStore(paths.images, { log }),
    objects: await openObjectStore(paths.objects),
    ...{ source: await archiveFor(name, log), streams: [name], nowMs: Date.now() },
  });
}
