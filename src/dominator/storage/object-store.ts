import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { access, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";

/**
 * Contents by their SHA-512, each in a file `aa/bb/REST` (the layout of the Dominator's object server, dominator.md
 * §3).
 */
export type ObjectStore = {
  /** Size in bytes, or undefined if there is no such object. */
  readonly sizeOf: (sha512: string) => Promise<number | undefined>;
  readonly read: (sha512: string) => AsyncIterable<Uint8Array>;
  /** The names of all objects. */
  readonly names: () => AsyncIterable<string>;
  /** Whether an object still has the content that its name says; false if it is gone. */
  readonly isIntact: (sha512: string, pause?: () => Promise<void>) => Promise<boolean>;
  /** Stores a content and returns its hash and size; an empty one has no object and an empty hash. */
  readonly add: (content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) => Promise<StoredObject>;
};

export type StoredObject = { readonly sha512: string; readonly size: number };

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
  const drafts = join(directory, "drafts");
  await mkdir(drafts, { recursive: true });
  await removeStale(drafts);
  return {
    sizeOf: async (sha512) => (isObjectName(sha512) ? sizeOf(pathOf(directory, sha512)) : undefined),
    read: (sha512) => {
      if (!isObjectName(sha512))
        throw new Error(`object name: expected a SHA-512 in lower-case hex, found ${JSON.stringify(sha512)}`);
      return createReadStream(pathOf(directory, sha512), { highWaterMark: 1 << 18 });
    },
    names: () => namesIn(directory),
    isIntact: (sha512, pause) => isIntact(pathOf(directory, sha512), sha512, pause),
    add: (content) => addObject(directory, join(drafts, randomUUID()), content),
  };
}

async function removeStale(drafts: string): Promise<void> {
  for (const name of await readdir(drafts)) {
    const path = join(drafts, name);
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > staleDraftMs) await rm(path, { force: true });
  }
}

function pathOf(directory: string, sha512: string): string {
  return join(directory, sha512.slice(0, 2), sha512.slice(2, 4), sha512.slice(4));
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
  draft: string,
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<StoredObject> {
  const hash = createHash("sha512");
  let size = 0;
  try {
    const file = await open(draft, "wx", 0o644);
    try {
      for await (const piece of content) {
        hash.update(piece);
        size += piece.length;
        await file.writeFile(piece);
      }
    } finally {
      await file.close();
    }
    if (size === 0) return { sha512: "", size };
    const sha512 = hash.digest("hex");
    const path = pathOf(directory, sha512);
    // An object of another size is left from a power cut, one with other bytes from a bad disk; the new one replaces it.
    if ((await sizeOf(path)) !== size || !(await isIntact(path, sha512))) {
      const folder = dirname(path);
      await access(folder).catch(() => mkdir(folder, { recursive: true }));
      await rename(draft, path);
    }
    return { sha512, size };
  } finally {
    await rm(draft, { force: true });
  }
}
