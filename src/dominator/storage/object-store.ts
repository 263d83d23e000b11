import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { isAbandoned } from "./draft-owner.ts";
import { looseObjects } from "./loose-objects.ts";
import { draftsIn, objectPath, openDraft, type StoredObject } from "./object-draft.ts";
import type { Location } from "./packs/pack-files.ts";
import { openPackShelf, type PackShelf } from "./packs/pack-shelf.ts";
import { isObjectName } from "./sha512.ts";

/** Contents by their SHA-512: those of images in packs, and others, or those of older versions, each in a file of its own. */
export type ObjectStore = {
  readonly directory: string;
  /** The packs, as they were at the latest look: `refresh` looks again. */
  readonly shelf: PackShelf;
  /** Size in bytes, or undefined if there is no such object. */
  readonly sizeOf: (sha512: string) => Promise<number | undefined>;
  /** The content, or its bytes from one offset up to but not including another. */
  readonly read: (sha512: string, part?: ContentPart) => AsyncIterable<Uint8Array>;
  /** Where the content is now; undefined if there is none. */
  readonly locate: (sha512: string) => Promise<Location | undefined>;
  /** The names of all objects. */
  readonly names: () => AsyncIterable<string>;
  /** Whether an object still has the content that its name says; false if it is gone. */
  readonly isIntact: (sha512: string, pause?: () => Promise<void>) => Promise<boolean>;
  /** Stores a content piece by piece in the caller's thread; an import uses a content writer. */
  readonly add: (content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) => Promise<StoredObject>;
};

/** Bytes of a content: from an offset, up to but not including another. */
export type ContentPart = { readonly from: number; readonly to: number };

/**
 * Reads a file, or a part of it that is not empty. The file is opened when its first bytes are asked for: of an answer to a client that
 * has gone nobody asks for any, and nobody would close it.
 */
export async function* readPart(path: string, part?: ContentPart): AsyncGenerator<Uint8Array> {
  const range = part === undefined ? {} : { start: part.from, end: part.to - 1 };
  yield* createReadStream(path, { highWaterMark: 1 << 18, ...range });
}

/** A draft this old belongs to a killed process, also one of another boot or container. */
const staleDraftMs = 86_400_000;

/**
 * Opens the store in a directory, which is made if it is missing. An object becomes visible only when it is complete.
 */
export async function openObjectStore(directory: string): Promise<ObjectStore> {
  const drafts = draftsIn(directory);
  await mkdir(drafts, { recursive: true });
  await removeStale(drafts);
  const shelf = openPackShelf(directory);
  const find = (sha512: string) => findContent(directory, shelf, sha512);
  return {
    directory,
    shelf,
    locate: async (sha512) => (isObjectName(sha512) ? await find(sha512) : undefined),
    sizeOf: async (sha512) => (isObjectName(sha512) ? (await find(sha512))?.size : undefined),
    read: (sha512, part) => {
      if (!isObjectName(sha512))
        throw new Error(`object name: expected a SHA-512 in lower-case hex, found ${JSON.stringify(sha512)}`);
      return readContent(sha512, find, part);
    },
    names: () => namesIn(directory, shelf),
    isIntact: async (sha512, pause) => isIntact(await find(sha512), sha512, pause),
    add: (content) => addObject(directory, content),
  };
}

async function removeStale(drafts: string): Promise<void> {
  for (const name of await readdir(drafts)) {
    const path = join(drafts, name);
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && (Date.now() - found.mtimeMs > staleDraftMs || isAbandoned(name)))
      await rm(path, { force: true });
  }
}

/** A content in a pack, or in a file of its own. */
async function findContent(directory: string, shelf: PackShelf, sha512: string): Promise<Location | undefined> {
  shelf.refresh();
  const packed = shelf.find(sha512);
  if (packed !== undefined) return packed;
  const path = objectPath(directory, sha512);
  return await stat(path).then(
    ({ size }) => ({ path, offset: 0, size }),
    () => undefined,
  );
}

async function* readContent(
  sha512: string,
  find: (sha512: string) => Promise<Location | undefined>,
  part?: ContentPart,
): AsyncGenerator<Uint8Array> {
  const found = await find(sha512);
  if (found === undefined) throw new Error(`object ${sha512}: expected a content in the store, found none`);
  const { path, offset, size } = found;
  const { from, to } = part ?? { from: 0, to: size };
  if (to > from) yield* readPart(path, { from: offset + from, to: offset + to });
}

async function* namesIn(directory: string, shelf: PackShelf): AsyncGenerator<string> {
  shelf.refresh();
  yield* shelf.names();
  for await (const name of looseObjects(directory)) if (shelf.find(name) === undefined) yield name;
}

/** Bytes hashed at once: a fraction of a millisecond. */
const hashedBytes = 64 << 10;

/** `pause` is waited for after each piece; its failure is thrown, and says nothing of the content. */
async function isIntact(found: Location | undefined, sha512: string, pause?: () => Promise<void>): Promise<boolean> {
  if (found === undefined) return false;
  const { path, offset, size } = found;
  const hash = createHash("sha512");
  const range = { start: offset, end: offset + size - 1 };
  const pieces = createReadStream(path, { highWaterMark: hashedBytes, ...range })[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await pieces.next().catch(() => undefined);
      if (next === undefined) return false;
      if (next.done === true) return hash.digest("hex") === sha512;
      hash.update(next.value);
      await pause?.();
    }
  } finally {
    await pieces.return?.();
  }
}

async function addObject(
  directory: string,
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<StoredObject> {
  const draft = openDraft(directory);
  try {
    for await (const piece of content) draft.write(piece);
    return draft.finish();
  } finally {
    draft.discard();
  }
}
