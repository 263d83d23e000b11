import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Collected, Swept } from "../../../core/image/catalogue/collected.ts";
import { isStreamName, parseImageName } from "../../../core/image/image-name.ts";
import type { Log } from "../../../core/ports.ts";
import { type ImageStore, openImageStore } from "../image-store.ts";
import { keptObjects } from "../kept-objects.ts";
import { readManifest } from "../manifest-file.ts";
import { openObjectStore } from "../object-store.ts";
import { sweep } from "../packs/sweep.ts";
import { holdAlone } from "../store-lock.ts";

/** Which stores are collected: plain data, as a thread gets it. */
export type CollectInput = {
  readonly images: string;
  readonly objects: string;
  readonly confidentialObjects: string;
  /** Only contents that are older go. */
  readonly olderThanMs: number;
  /** Says what would go. */
  readonly isDryRun: boolean;
};

/**
 * Removes the contents that no image and no agent needs, from the store of all streams and those of confidential ones. It has the
 * stores for itself: what is being imported or copied is in no manifest yet.
 */
export async function collect(input: CollectInput): Promise<Collected> {
  const stores = [
    { directory: input.objects, stream: undefined },
    ...(await streamsIn(input.confidentialObjects)).map((stream) => ({
      ...{ stream, directory: join(input.confidentialObjects, stream) },
    })),
  ];
  using locks = new DisposableStack();
  for (const { directory } of stores) {
    const lock = holdAlone(directory);
    if (lock === undefined) return { kind: "busy" };
    locks.use(lock);
  }
  // Only now: an image that appeared before the locks is there.
  const images = await openImageStore(input.images, { log: quiet });
  const unreadable = images.unreadable().map(({ name }) => name);
  if (unreadable.length > 0) return { kind: "unreadable", names: unreadable };
  const total = { objects: 0, bytes: 0, movedBytes: 0, leftBytes: 0 };
  for (const { directory, stream } of stores) {
    const swept = await sweepStore(input, directory, neededBy(images, stream));
    for (const key of Object.keys(total) as (keyof Swept)[]) total[key] += swept[key];
  }
  return { kind: "collected", ...total };
}

const quiet: Log = () => undefined;

async function streamsIn(directory: string): Promise<readonly string[]> {
  const entries: readonly Dirent[] = await readdir(directory, { withFileTypes: true }).catch(() => []);
  return entries.flatMap((entry) => (entry.isDirectory() && isStreamName(entry.name) ? [entry.name] : []));
}

async function sweepStore(
  { isDryRun, olderThanMs }: CollectInput,
  directory: string,
  needed: Set<string>,
): Promise<Swept> {
  // Removes what killed imports left.
  await openObjectStore(directory);
  const kept = keptObjects(directory);
  for (const sha512 of kept ?? []) needed.add(keyOf(sha512));
  const isNeeded = (sha512: string) => needed.has(keyOf(sha512));
  // The files of agents are in no manifest, and an earlier version kept no list of them.
  return await sweep({ directory, isNeeded, loose: kept !== undefined, olderThanMs, isDryRun });
}

/** The contents of the images of a store: all but confidential ones, or the confidential ones of a stream. */
function neededBy(images: ImageStore, stream: string | undefined): Set<string> {
  const needed = new Set<string>();
  for (const name of images.names()) {
    const owner = images.get(name)?.confidential === true ? parseImageName(name)?.stream : undefined;
    if (owner !== stream) continue;
    for (const inode of readManifest(images.pathOf(name), name).manifest.tree.inodes)
      if (inode.kind === "regular" && inode.size > 0) needed.add(keyOf(inode.sha512));
  }
  return needed;
}

/** Half of the memory of the hash in hex: a server may have millions of contents. */
function keyOf(sha512: string): string {
  return Buffer.from(sha512, "hex").toString("latin1");
}
