import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { BootstrapImage } from "../bootstrap-image/build.ts";
import type { Actions } from "../cli/act/actions.ts";
import { failure } from "../cli/api/failure.ts";
import type { ImageView } from "../contract/operator/views.ts";
import { whyNotCollected } from "../core/image/catalogue/collected.ts";
import { importName, parseImageName } from "../core/image/image-name.ts";
import type { ImageSummary } from "../core/image/manifest.ts";
import { defaultArchitecture, type MachineArchitecture } from "../core/machine/architecture.ts";
import { exportImage as writeArchive } from "../dominator/export/export-image.ts";
import { importImages } from "../dominator/import/image.ts";
import { collect } from "../dominator/storage/collect/collect.ts";
import { confidentialStores } from "../dominator/storage/confidential-stores.ts";
import { openImageStore } from "../dominator/storage/image-store.ts";
import { viewImage, viewImages } from "../dominator/storage/image-views.ts";
import { readManifest } from "../dominator/storage/manifest-file.ts";
import { openObjectStore } from "../dominator/storage/object-store.ts";
import { damagedObjects } from "../dominator/storage/scrub.ts";
import { openLog } from "../log/structured-log.ts";
import { contentsRemoved } from "../mdb/operator-api/images.ts";
import { leaveAct } from "./acts/leave-act.ts";
import { pathsIn } from "./paths.ts";
import { prepareServer } from "./server/prepare-server.ts";
import { systemClock } from "./system-ports.ts";

const log = openLog({ json: false, least: "info" });

/** Refuses a state directory that is not there: reading a mistyped one would make an empty one. */
async function assertState(directory: string): Promise<void> {
  const found = await stat(directory).catch(() => undefined);
  if (found?.isDirectory() === true) return;
  throw failure(
    "failed",
    `${directory}: expected a state directory, found ${found === undefined ? "nothing" : "a file"}`,
    "name the state directory with --state; birther image import and birther serve make a new one",
  );
}

/** Refuses a source that is not there, before anything is made for it. */
async function assertSource(source: string): Promise<void> {
  const found = await stat(source).catch(() => undefined);
  if (found?.isDirectory() === true || found?.isFile() === true) return;
  throw failure(
    "failed",
    `${source}: expected a directory or a tar file, found ${found === undefined ? "nothing" : "neither"}`,
    "name the root file system of a whole system; README.md shows how to make one",
  );
}

/** Builds the Bootstrap Image of a state directory, or finds the finished one. */
export const buildBootstrapImage: Actions["buildBootstrapImage"] = async (
  stateDirectory,
  { architecture, suite, profile, firmware, renew = false, reason } = {},
) => {
  const prepare = () =>
    prepareServer({
      stateDirectory,
      ...(architecture === undefined ? {} : { architecture }),
      ...(suite === undefined ? {} : { suite }),
      ...(profile === undefined ? {} : { profile }),
      ...(firmware === undefined ? {} : { firmware }),
      renew,
      log,
      verb: "image build",
    });
  const {
    families,
    firmwareLeftOut: _long,
    ...image
  } = await leaveBuild(prepare, { stateDirectory, architecture, reason });
  return { ...image, driverFamilies: families.length };
};

/** Builds, and leaves for the audit what the Bootstrap Image is then, unless it is the one that was there. */
async function leaveBuild(
  build: () => Promise<BootstrapImage>,
  { stateDirectory, architecture = defaultArchitecture, reason }: BuildAsked,
): Promise<BootstrapImage> {
  const paths = pathsIn(stateDirectory);
  const files = paths.others.find((other) => other.architecture === architecture) ?? paths;
  const digests = async () => ({
    kernelSha256: await sha256Of(files.kernel),
    initramfsSha256: await sha256Of(files.initramfs),
  });
  const was = await digests();
  const act = { action: "build image", subject: "Bootstrap Image" } as const;
  const work = async () => ({ image: await build(), is: await digests() });
  const describe = ({ image, is }: Awaited<ReturnType<typeof work>>) =>
    isDeepStrictEqual(is, was)
      ? undefined
      : { ...act, facts: { architecture, suite: image.suite, kernel: image.kernelVersion, ...is } };
  const { image } = await leaveAct(stateDirectory, { ...act, reason, facts: { architecture } }, { work, describe });
  return image;
}

type BuildAsked = {
  readonly stateDirectory: string;
  readonly architecture: MachineArchitecture | undefined;
  readonly reason?: string | undefined;
};

/** The SHA-256 of a file in hex; undefined without one. */
async function sha256Of(path: string): Promise<string | undefined> {
  const bytes = await readFile(path).catch(() => undefined);
  return bytes && createHash("sha256").update(bytes).digest("hex");
}

/** Lists the system images in a state directory. */
export const listImages: Actions["listImages"] = async (stateDirectory) => {
  await assertState(stateDirectory);
  return viewImages(await openImageStore(pathsIn(stateDirectory).images, { log }));
};

/** Imports a directory or tar file as the next version of a stream; `compute/2` is taken, too, when 2 is the next one. */
export const importImage: Actions["importImage"] = async (asked) => {
  await assertSource(asked.source);
  return await importFrom(asked);
};

/**
 * Imports a source that is there, and leaves that for the audit; `origin` is what the image's record says of the source, instead of
 * its path, when it was built.
 */
export async function importFrom(
  asked: Parameters<Actions["importImage"]>[0] & { readonly origin?: string },
): Promise<ImageView> {
  const { stateDirectory, stream: wanted, source, confidential, onProgress, onNotCarried, origin, reason } = asked;
  if (!existsSync(stateDirectory)) log("info", "making a new state directory", { directory: stateDirectory });
  await mkdir(stateDirectory, { recursive: true, mode: 0o700 });
  const paths = pathsIn(stateDirectory);
  const images = await openImageStore(paths.images, { log });
  const name = importName(wanted, images.taken());
  if (name.kind === "unusable") throw new Error(name.reason);
  const objects = confidential
    ? await confidentialStores(paths.confidentialObjects).ofStream(name.stream)
    : await openObjectStore(paths.objects);
  const nowMs = systemClock.nowMs();
  using interruption = untilInterrupted(
    "import interrupted; no image was added",
    "the same command continues it: contents that are stored already are not stored again",
  );
  const { signal } = interruption;
  const onWait = () => log("info", "waiting until contents that nothing needs are removed");
  const work = async () => {
    const [image] = await importImages({
      ...{ images, objects, source, streams: [name.stream], nowMs, onProgress, onNotCarried, signal, onWait },
      ...(confidential ? { confidential } : {}),
      ...(origin === undefined ? {} : { origin }),
    });
    assert(image !== undefined);
    return image;
  };
  const action = origin === undefined ? "import image" : "build image";
  const from = { source: origin ?? resolve(source), ...(confidential ? { confidential } : {}) };
  const describe = ({ name: subject, entries, bytes, manifest: { sha512 } }: ImageSummary) => ({
    ...{ action, subject, facts: { ...from, manifestSha512: sha512, entries, bytes } },
  });
  return viewImage(
    await leaveAct(stateDirectory, { action, subject: name.stream, reason, facts: from }, { work, describe }),
  );
}

/** Writes an image of a state directory as an archive. */
export const exportImage: Actions["exportImage"] = async ({ stateDirectory, image, file, onProgress }) => {
  await assertState(stateDirectory);
  const paths = pathsIn(stateDirectory);
  const images = await openImageStore(paths.images, { log });
  if (images.get(image) === undefined)
    throw failure(
      "failed",
      `expected an image of ${stateDirectory}, found ${image}`,
      "to list them: birther image list",
    );
  const { tree, confidential } = readManifest(images.pathOf(image), image).manifest;
  const objects =
    confidential === true
      ? await confidentialStores(paths.confidentialObjects).ofStream(parseImageName(image)?.stream ?? "")
      : await openObjectStore(paths.objects);
  using interruption = untilInterrupted("export interrupted; no file was written", "repeat the command");
  await writeArchive({ tree, objects, file, onProgress, signal: interruption.signal });
};

/** A signal that the first Ctrl-C or SIGTERM aborts; a second one ends the process at once. */
export function untilInterrupted(what: string, next: string): { readonly signal: AbortSignal } & Disposable {
  const ending = new AbortController();
  const abort = () => ending.abort(failure("interrupted", what, next));
  process.once("SIGINT", abort).once("SIGTERM", abort);
  return {
    signal: ending.signal,
    [Symbol.dispose]: () => void process.off("SIGINT", abort).off("SIGTERM", abort),
  };
}

/** Reads every object of a state directory, and returns the names of the damaged ones. */
export const verifyObjects: Actions["verifyObjects"] = async (stateDirectory) => {
  await assertState(stateDirectory);
  const paths = pathsIn(stateDirectory);
  const confidential = await confidentialStores(paths.confidentialObjects).all();
  const damaged: string[] = [];
  for (const objects of [await openObjectStore(paths.objects), ...confidential])
    for await (const sha512 of damagedObjects(objects)) damaged.push(sha512);
  return damaged;
};

/** Removes the contents that no image and no agent needs: the store's lock is between processes. */
export const collectImages: Actions["collectImages"] = async ({ stateDirectory, isDryRun, reason }) => {
  await assertState(stateDirectory);
  const { images, objects, confidentialObjects } = pathsIn(stateDirectory);
  const olderThanMs = Number.POSITIVE_INFINITY;
  const work = () => collect({ images, objects, confidentialObjects, isDryRun, olderThanMs });
  const describe = ({ kind, ...facts }: Awaited<ReturnType<typeof work>>) =>
    kind === "collected" ? { ...contentsRemoved, facts } : undefined;
  const found = isDryRun
    ? await work()
    : await leaveAct(stateDirectory, { ...contentsRemoved, reason, facts: {} }, { work, describe });
  if (found.kind === "collected") {
    const { kind: _kind, ...swept } = found;
    return { ...swept, dryRun: isDryRun };
  }
  const { message, next } = whyNotCollected(found);
  throw failure("failed", message, next);
};
