import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { draftsIn, objectPath, openDraft, type StoredObject } from "./object-draft.ts";

/** Contents by their SHA-512, each in a file of its own. */
export type ObjectStore = {
  readonly directory: string;
  /** Size in bytes, or undefined if there is no such object. */
  readonly sizeOf: (sha512: string) => Promise<number | undefined>;
  /** The content, or its bytes from one offset up to but not including another. */
  readonly read: (sha512: string, part?: ContentPart) => AsyncIterable<Uint8Array>;
  /** The names of all objects. */
  readonly names: () => AsyncIterable<string>;
  /** Whether an object still has the content that its name says; false if it is gone. */
  readonly isIntact: (sha512: string, pause?: () => Promise<void>) => Promise<boolean>;
  /** Stores a content piece by piece in the caller's thread; an import uses a content writer. */
  readonly add: (content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) => Promise<StoredObject>;
};

/** Bytes of a content: from an offset, up to but not including another. */
export type ContentPart = { readonly from: number; readonly to: number };

/** Reads a file, or a part of it that is not empty. */
export function readPart(path: string, part?: ContentPart): AsyncIterable<Uint8Array> {
  const range = part === undefined ? {} : { start: part.from, end: part.to - 1 };
  return createReadStream(path, { highWaterMark: 1 << 18, ...range });
}

/** Whether a text is a SHA-512 in our form; anything else must not become a path. */
export function isObjectName(text: string): boolean {
  return /^[0-9a-f]{128}$/.test(text);
}

/** A draft this old belongs to a killed process; younger ones may belong to another running import. */
const staleDraftMs = 86_400_000;

/**
 * Opens the store in a directory, which is made if it is missing. An object becomes visible only when it is complete.
 */
export async function openObjectStore(directory: string): Promise<ObjectStore> {
  const drafts = draftsIn(directory);
  await mkdir(drafts, { recursive: true });
  await removeStale(drafts);
  return {
    directory,
    sizeOf: async (sha512) => (isObjectName(sha512) ? sizeOf(objectPath(directory, sha512)) : undefined),
    read: (sha512, part) => {
      if (!isObjectName(sha512))
        throw new Error(`object name: expected a SHA-512 in lower-case hex, found ${JSON.stringify(sha512)}`);
      return readPart(objectPath(directory, sha512), part);
    },
    names: () => namesIn(directory),
    isIntact: (sha512, pause) => isIntact(objectPath(directory, sha512), sha512, pause),
    add: (content) => addObject(directory, content),
  };
}

async function removeStale(drafts: string): Promise<void> {
  for (const name of await readdir(drafts)) {
    const path = join(drafts, name);
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > staleDraftMs) await rm(path, { force: true });
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    (found) => found.size,
    () => undefined,
  );
}

async function* namesIn(directory: string): AsyncGenerator<string> {
  const isPart = (name: string) => /^[0-9a-f]{2}$/.test(name);
  for (const first of (await readdir(directory)).filter(isPart)) {
    for (const second of (await readdir(join(directory, first))).filter(isPart)) {
      for (const rest of await readdir(join(directory, first, second))) {
        const name = `${first}${second}${rest}`;
        if (isObjectName(name)) yield name;
      }
    }
  }
}

/** Bytes hashed at once: a fraction of a millisecond. */
const hashedBytes = 64 << 10;

/** `pause` is waited for after each piece. */
async function isIntact(path: string, sha512: string, pause?: () => Promise<void>): Promise<boolean> {
  const hash = createHash("sha512");
  try {
    for await (const piece of createReadStream(path, { highWaterMark: hashedBytes })) {
      hash.update(piece);
      await pause?.();
    }
  } catch {
    return false;
  }
  return hash.digest("hex") === sha512;
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
