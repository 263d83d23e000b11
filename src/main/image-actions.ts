import assert from "node:assert/strict";
import type { Actions } from "../cli/act/actions.ts";
import { importName } from "../core/image/image-name.ts";
import { importImages } from "../dominator/import/image.ts";
import type { ImportProgress } from "../dominator/import/input.ts";
import { openImageStore } from "../dominator/storage/image-store.ts";
import { viewImage, viewImages } from "../dominator/storage/image-views.ts";
import { openObjectStore } from "../dominator/storage/object-store.ts";
import { damagedObjects } from "../dominator/storage/scrub.ts";
import { openLog } from "../log/structured-log.ts";
import { pathsIn } from "./paths.ts";
import { prepareServer } from "./server/prepare-server.ts";
import { systemClock } from "./system-ports.ts";

const log = openLog({ json: false, least: "info" });

/** Builds the Bootstrap Image of a state directory, or finds the finished one. */
export const buildBootstrapImage: Actions["buildBootstrapImage"] = async (stateDirectory) => {
  const {
    families,
    firmwareLeftOut: _long,
    ...image
  } = await prepareServer({ stateDirectory, log, verb: "image build" });
  return { ...image, driverFamilies: families.length };
};

/** Lists the system images in a state directory. */
export const listImages: Actions["listImages"] = async (stateDirectory) =>
  viewImages(await openImageStore(pathsIn(stateDirectory).images, { log }));

/** Imports a directory or tar file as the next version of a stream; `compute/2` is taken, too, when 2 is the next one. */
export const importImage: Actions["importImage"] = async ({ stateDirectory, stream: wanted, source, onProgress }) => {
  const paths = pathsIn(stateDirectory);
  const images = await openImageStore(paths.images, { log });
  const name = importName(wanted, images.names());
  if (name.kind === "unusable") throw new Error(name.reason);
  const objects = await openObjectStore(paths.objects);
  const progress = (done: ImportProgress) => onProgress(done.paths, done.readBytes, done.totalBytes);
  const nowMs = systemClock.nowMs();
  const [image] = await importImages({ images, objects, source, streams: [name.stream], nowMs, onProgress: progress });
  assert(image !== undefined);
  return viewImage(image);
};

/** Reads every object of a state directory, and returns the names of the damaged ones. */
export const verifyObjects: Actions["verifyObjects"] = async (stateDirectory) => {
  const objects = await openObjectStore(pathsIn(stateDirectory).objects);
  const damaged: string[] = [];
  for await (const sha512 of damagedObjects(objects)) damaged.push(sha512);
  return damaged;
};
