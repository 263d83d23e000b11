import { execFile } from "node:child_process";
import { link, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import * as v from "valibot";
import { imageManifest } from "../../contract/sub.ts";
import { formatImageName, nextVersion, parseImageName, resolveImageName } from "../../core/image/image-name.ts";
import type { ImageManifest } from "../../core/image/manifest.ts";
import { faultOfTree } from "../../core/image/tree.ts";

/** The system images, by name. */
export type ImageStore = {
  readonly names: () => readonly string[];
  readonly get: (name: string) => ImageManifest | undefined;
  /**
   * The image that a required image refers to: that version, or the newest of the stream; undefined if there is none.
   */
  readonly resolve: (required: string) => ImageManifest | undefined;
  /** Loads images that another process (`birther image import`) has added. Cheap if there are none. */
  readonly refresh: () => Promise<void>;
  /** Adds an image as the next version of its stream. A name is never reused. */
  readonly add: (stream: string, image: Omit<ImageManifest, "name">) => Promise<ImageManifest>;
};

/** Concurrent imports may want the same number; in each round one of them succeeds. */
const nameTries = 20;

/**
 * Opens the manifests in a directory: `STREAM/VERSION.json`. All are read at the start, so that no request waits for a
 * disk.
 */
export async function openImageStore(directory: string): Promise<ImageStore> {
  await mkdir(directory, { recursive: true });
  const images = new Map<string, ImageManifest>();
  const names = () => [...images.keys()];
  const readNew = async () => {
    for (const file of await readdir(directory, { recursive: true })) {
      const name = file.endsWith(".json") ? file.slice(0, -".json".length) : "";
      if (images.has(name) || parseImageName(name) === undefined) continue;
      images.set(name, await readManifest(join(directory, file), name));
    }
  };
  // Thousands of polls a second share one check.
  let looking: Promise<void> | undefined;
  const refresh = () => {
    looking ??= readNew().finally(() => {
      looking = undefined;
    });
    return looking;
  };
  await refresh();
  return {
    names,
    refresh,
    get: (name) => images.get(name),
    resolve: (required) => images.get(resolveImageName(required, names()) ?? ""),
    add: async (stream, image) => {
      for (let attempt = 0; attempt < nameTries; attempt += 1) {
        const name = formatImageName({ stream, version: nextVersion(stream, names()) + attempt });
        if (parseImageName(name) === undefined)
          throw new Error(`image name: expected lower-case letters, digits, "-", "." and "_", found "${stream}"`);
        const manifest = checked({ name, ...image }, `image ${name}`);
        if (!(await writeOnce(join(directory, `${name}.json`), manifest))) continue;
        images.set(name, manifest);
        return manifest;
      }
      throw new Error(`adding an image: found no free version of ${stream} in ${nameTries} attempts`);
    },
  };
}

async function readManifest(path: string, name: string): Promise<ImageManifest> {
  try {
    const manifest = checked(JSON.parse(await readFile(path, "utf8")), path);
    if (manifest.name !== name) throw new Error(`manifest: expected the name ${name}, found ${manifest.name}`);
    return manifest;
  } catch (cause) {
    throw new Error(`image ${name}: reading ${path} failed`, { cause });
  }
}

function checked(data: unknown, what: string): ImageManifest {
  const manifest = v.parse(imageManifest, data);
  const fault = faultOfTree(manifest.tree);
  if (fault !== undefined) throw new Error(`${what}: ${fault}`);
  return manifest;
}

/**
 * link(2) refuses an existing name. Before it all contents are written to the disk (sync of the whole file system,
 * because one fsync for each of thousands of objects would take minutes), so that every existing manifest has its
 * objects.
 */
async function writeOnce(path: string, manifest: ImageManifest): Promise<boolean> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.draft-${process.pid}`;
  await writeFile(draft, JSON.stringify(manifest));
  try {
    await promisify(execFile)("sync", ["-f", draft]);
    await link(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}
