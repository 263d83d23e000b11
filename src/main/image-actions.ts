import type { Actions } from "../cli/act/actions.ts";
import { machineFilterLines } from "../core/image/filter.ts";
import { isStreamName, nextVersion, parseImageName } from "../core/image/image-name.ts";
import { importTree } from "../dominator/import/tree.ts";
import { openImageStore } from "../dominator/storage/image-store.ts";
import { openObjectStore } from "../dominator/storage/object-store.ts";
import { openLog } from "../log/structured-log.ts";
import { pathsIn } from "./paths.ts";
import { viewImages } from "./server/fresh-images.ts";
import { prepareServer } from "./server/prepare-server.ts";
import { systemClock } from "./system-ports.ts";

const log = openLog({ json: false, least: "info" });

/** Builds the Bootstrap Image of a state directory, or finds it built. */
export const buildBootstrapImage: Actions["buildBootstrapImage"] = async (stateDirectory) => {
  const {
    families,
    firmwareLeftOut: _long,
    ...image
  } = await prepareServer({ stateDirectory, log, verb: "image build" });
  return { ...image, driverFamilies: families.length };
};

/** The system images in a state directory. */
export const listImages: Actions["listImages"] = async (stateDirectory) =>
  viewImages(await openImageStore(pathsIn(stateDirectory).images));

/** Imports a directory or tar file as the next version of a stream; `compute/2` is taken, too, when 2 is the next one. */
export const importImage: Actions["importImage"] = async ({ stateDirectory, stream, source, onProgress }) => {
  const paths = pathsIn(stateDirectory);
  const images = await openImageStore(paths.images);
  const wanted = parseImageName(stream);
  const streamName = wanted?.stream ?? stream;
  if (!isStreamName(streamName))
    throw new Error(`${stream} is no name for an image: lower-case letters, digits, - . _`);
  const version = nextVersion(streamName, images.names());
  if (wanted !== undefined && wanted.version !== version) {
    throw new Error(`${stream} cannot be made: the next version of ${streamName} is ${version}`);
  }
  const objects = await openObjectStore(paths.objects);
  const progress = (done: { paths: number; readBytes: number; totalBytes?: number }) =>
    onProgress(done.paths, done.readBytes, done.totalBytes);
  const tree = await importTree({ source, objects, filter: machineFilterLines, onProgress: progress });
  const manifest = { createdAtMs: systemClock.nowMs(), source, filter: machineFilterLines, tree };
  const { name } = await images.add(streamName, manifest);
  const view = viewImages(images).find((image) => image.name === name);
  if (view === undefined) throw new Error(`image ${name} was imported and is not there`);
  return view;
};
