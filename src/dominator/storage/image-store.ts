import { existsSync } from "node:fs";
import { link, mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { errorCode } from "../../core/error-code.ts";
import { formatImageName, nextVersion, parseImageName } from "../../core/image/image-name.ts";
import type { ImageManifest, ImageSummary } from "../../core/image/manifest.ts";
import type { Log } from "../../core/ports.ts";
import { type DominatorTasks, inlineTasks } from "../thread/tasks.ts";
import { ImageIndex, type UnreadableImage } from "./image-index.ts";
import { checkManifest, summaryOf } from "./manifest-file.ts";
import { sharedLook } from "./shared-look.ts";
import { syncFileSystem } from "./sync-file-system.ts";

/** The system images, by name. */
export type ImageStore = {
  readonly names: () => readonly string[];
  /** Also the names of images that cannot be read. */
  readonly known: () => readonly string[];
  /** Every name that an image has or had here: none of them is given to another image. */
  readonly taken: () => readonly string[];
  readonly get: (name: string) => ImageSummary | undefined;
  /** The file of an image's manifest. */
  readonly pathOf: (name: string) => string;
  /** The file of the manifest with this SHA-512. */
  readonly findManifest: (sha512: string) => FoundManifest | undefined;
  /** The manifests that cannot be read, with the reason. They are skipped, and read again when their file changes. */
  readonly unreadable: () => readonly UnreadableImage[];
  /** Loads images that another process (`birther image import`) has added. Cheap if there are none. */
  readonly refresh: () => Promise<void>;
  /** Adds an image as the next version of its stream. A name is never reused. */
  readonly add: (stream: string, image: Omit<ImageManifest, "name">) => Promise<ImageSummary>;
  /** Makes a complete draft, which lies beside `pathOf(name)`, the image of this name, in place of any that is there. */
  readonly adopt: (name: string, draft: string) => Promise<void>;
  /** Forgets an image and removes its manifest; its contents stay. Its name may be given to another image. */
  readonly drop: (name: string) => Promise<void>;
  /** The same for good: its name stays taken. False if there is no such image. */
  readonly remove: (name: string) => Promise<boolean>;
};

/** The file of a manifest, and whose image it describes. */
export type FoundManifest = { readonly path: string; readonly size: number; readonly image: ImageSummary };

/** Marks the name of an image that was removed. */
const removedMark = ".removed";

/** Concurrent imports may want the same number; in each round one of them succeeds. */
const nameTries = 20;

/**
 * Opens the manifests in a directory: `STREAM/VERSION.json`. All are read at the start, so that no request waits for a
 * disk; `tasks` says in which thread. Unreadable ones are logged.
 */
export async function openImageStore(
  directory: string,
  { tasks = inlineTasks(), log }: { readonly tasks?: Pick<DominatorTasks, "summarise">; readonly log: Log },
): Promise<ImageStore> {
  await mkdir(directory, { recursive: true });
  const index = new ImageIndex();
  const { images, unreadable, removed } = index;
  const pathOf = (name: string) => join(directory, `${name}.json`);
  const markOf = (name: string) => join(directory, `${name}${removedMark}`);
  const readOne = async (name: string) => {
    const file = await describeFile(pathOf(name));
    if (unreadable.get(name)?.file === file) return;
    try {
      index.keep(await tasks.summarise(pathOf(name), name));
    } catch (error) {
      // Another process has removed the image since the directory was read.
      if ((await describeFile(pathOf(name))) === absent) return void unreadable.delete(name);
      const fault = describeFault(error);
      unreadable.set(name, { name, fault, file });
      log("error", "skipped an image, because its manifest cannot be read; import the image again", { name, fault });
    }
  };
  const drop = async (name: string) => {
    await rm(pathOf(name), { force: true });
    index.forget(name);
  };
  const readNew = async () => {
    for (const file of await readdir(directory, { recursive: true })) {
      const gone = nameOf(file, removedMark);
      if (gone !== "") removed.add(gone);
      // Removed by another process, or a power cut came between the mark and the manifest.
      if (gone !== "" && (images.has(gone) || unreadable.has(gone) || existsSync(pathOf(gone)))) await drop(gone);
      const name = nameOf(file, ".json");
      if (!images.has(name) && parseImageName(name) !== undefined) await readOne(name);
    }
  };
  // Thousands of polls a second share their checks.
  const refresh = sharedLook(readNew);
  await refresh();
  return {
    names: () => [...images.keys()],
    known: () => index.known(),
    taken: () => index.taken(),
    refresh,
    pathOf,
    get: (name) => images.get(name),
    unreadable: () => index.faults(),
    findManifest: (sha512) => {
      const image = index.withManifest(sha512);
      return image && { path: pathOf(image.name), size: image.manifest.size, image };
    },
    adopt: async (name, draft) => {
      await syncFileSystem(draft);
      await rename(draft, pathOf(name));
      const before = images.get(name);
      await readOne(name);
      index.replaced(name, before);
    },
    drop,
    remove: async (name) => {
      if (!images.has(name)) return false;
      await writeMark(markOf(name));
      removed.add(name);
      await drop(name);
      return true;
    },
    add: async (stream, image) => {
      const summary = await writeNext({ stream, image, taken: () => index.taken(), pathOf, markOf });
      index.keep(summary);
      return summary;
    },
  };
}

/** Writes the manifest of a stream's next version. */
async function writeNext(wanted: {
  readonly stream: string;
  readonly image: Omit<ImageManifest, "name">;
  readonly taken: () => readonly string[];
  readonly pathOf: (name: string) => string;
  readonly markOf: (name: string) => string;
}): Promise<ImageSummary> {
  const { stream, image, taken, pathOf, markOf } = wanted;
  for (let attempt = 0; attempt < nameTries; attempt += 1) {
    const name = formatImageName({ stream, version: nextVersion(stream, taken()) + attempt });
    if (parseImageName(name) === undefined)
      throw new Error(`image name: expected lower-case letters, digits, "-", "." and "_", found "${stream}"`);
    const manifest = checkManifest({ name, ...image }, `image ${name}`);
    const text = JSON.stringify(manifest);
    if (await writeOnce(pathOf(name), text, markOf(name))) return summaryOf(manifest, text);
  }
  throw new Error(`adding an image: found no free version of ${stream} in ${nameTries} attempts`);
}

/** The name that a file is for; empty for a file with another ending. */
function nameOf(file: string, ending: string): string {
  return file.endsWith(ending) ? file.slice(0, -ending.length) : "";
}

/** Writes an empty file to the disk. */
async function writeMark(path: string): Promise<void> {
  await writeFile(path, "");
  await syncFileSystem(path);
}

/** What is said of a file that is not there. */
const absent = "absent";

/** Changes whenever the file does. */
async function describeFile(path: string): Promise<string> {
  return stat(path).then(
    ({ size, mtimeMs }) => `${size} ${mtimeMs}`,
    () => absent,
  );
}

function describeFault(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${describeFault(error.cause)}`;
}

/** Writes a manifest once its objects are on the disk; false if the name is taken, which link(2) refuses. */
async function writeOnce(path: string, text: string, mark: string): Promise<boolean> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.draft-${process.pid}`;
  await writeFile(draft, text);
  try {
    await syncFileSystem(draft);
    await link(draft, path);
    // The mark is written before the manifest goes, so it is there if another process removed an image of this name meanwhile.
    if (!existsSync(mark)) return true;
    await rm(path);
    return false;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}
