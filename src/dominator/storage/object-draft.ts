import { createHash, hash, randomUUID } from "node:crypto";
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { errorCode } from "../../core/error-code.ts";

/** An object of the store: its SHA-512 in lower-case hex, and its size; an empty content has no object and an empty hash. */
export type StoredObject = { readonly sha512: string; readonly size: number };

/** A content on its way into a store: hashed while it is written beside the objects, and visible only when it is whole. */
export type ObjectDraft = {
  readonly write: (piece: Uint8Array) => void;
  /** Moves the draft to the place of its hash. */
  readonly finish: () => StoredObject;
  /** Removes the draft, unless it has been moved. */
  readonly discard: () => void;
};

/** Where a store keeps drafts. */
export function draftsIn(directory: string): string {
  return join(directory, "drafts");
}

/** The file of an object: `aa/bb/REST` (the layout of the Dominator's object server, dominator.md §3). */
export function objectPath(directory: string, sha512: string): string {
  return join(directory, sha512.slice(0, 2), sha512.slice(2, 4), sha512.slice(4));
}

/**
 * Opens a draft in the store of a directory, under a name that no other draft has. All calls are synchronous: a thread of an import has nothing else to do, and
 * saves the 0.4 ms that the promises of one small file cost.
 */
export function openDraft(directory: string, name: string = randomUUID()): ObjectDraft {
  const draft = join(draftsIn(directory), name);
  const file = openSync(draft, "wx", 0o644);
  const sum = createHash("sha512");
  let size = 0;
  let isOpen = true;
  const close = () => {
    if (isOpen) closeSync(file);
    isOpen = false;
  };
  return {
    write: (piece) => {
      sum.update(piece);
      size += piece.length;
      for (let done = 0; done < piece.length; ) done += writeSync(file, piece, done);
    },
    finish: () => {
      close();
      if (size === 0) return { sha512: "", size };
      const sha512 = sum.digest("hex");
      const path = objectPath(directory, sha512);
      if (!holds(path, { sha512, size })) moveInto(draft, path);
      return { sha512, size };
    },
    discard: () => {
      close();
      rmSync(draft, { force: true });
    },
  };
}

/** Stores a content that is whole in memory; one that the store already has is compared, and not written. */
export function storeContent(directory: string, content: Uint8Array, name: string = randomUUID()): StoredObject {
  const stored = { sha512: content.length === 0 ? "" : hash("sha512", content, "hex"), size: content.length };
  if (content.length === 0 || isSame(objectPath(directory, stored.sha512), content)) return stored;
  const draft = join(draftsIn(directory), name);
  try {
    const file = openSync(draft, "wx", 0o644);
    try {
      for (let done = 0; done < content.length; ) done += writeSync(file, content, done);
    } finally {
      closeSync(file);
    }
    moveInto(draft, objectPath(directory, stored.sha512));
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  return stored;
}

function moveInto(draft: string, path: string): void {
  try {
    renameSync(draft, path);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
    mkdirSync(dirname(path), { recursive: true });
    renameSync(draft, path);
  }
}

/** An object of another size is left from a power cut, one with other bytes from a bad disk; a new one replaces it. */
function isSame(path: string, content: Uint8Array): boolean {
  return sizeOf(path) === content.length && readFileSync(path).equals(content);
}

/** Bytes read at once. */
const pieceBytes = 1 << 20;

/** The same for a content that is no longer in memory. */
function holds(path: string, { sha512, size }: StoredObject): boolean {
  if (sizeOf(path) !== size) return false;
  const file = openSync(path, "r");
  try {
    const sum = createHash("sha512");
    const piece = new Uint8Array(pieceBytes);
    for (;;) {
      const count = readSync(file, piece);
      if (count === 0) return sum.digest("hex") === sha512;
      sum.update(piece.subarray(0, count));
    }
  } finally {
    closeSync(file);
  }
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}
