import { createHash, hash, randomUUID } from "node:crypto";
import {
  closeSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { type PackEntry, writePackIndex } from "../../../core/image/pack-index.ts";
import { draftOwner } from "../draft-owner.ts";
import { draftsIn, type ObjectDraft, objectPath, type StoredObject } from "../object-draft.ts";
import { sha512Of } from "../sha512.ts";
import { indexEnding, type Location, packsIn } from "./pack-files.ts";
import { openPackShelf, type PackShelf } from "./pack-shelf.ts";

/** A pack is ended when it has this size: large enough for one long stream, and small enough to lose little. */
const packBytes = 256 << 20;
/** Bytes compared or hashed at once. */
const pieceBytes = 1 << 20;

/**
 * Writes contents into packs, in the order in which they come. A pack is seen by others when it is sealed: at its full size, and by
 * `seal`. All calls are synchronous, for threads that do nothing else.
 */
export type PackWriter = {
  /** Stores a content that is whole in memory; one that the store has already is compared, and not written. */
  readonly store: (content: Uint8Array) => StoredObject;
  /** Begins a content that comes in pieces; nothing else may be stored before it ends. `evenIfStored`: a copy elsewhere goes. */
  readonly begin: (how?: { readonly evenIfStored: true }) => ObjectDraft;
  /** Makes a pack of what was stored since the last one. */
  readonly seal: () => void;
  /** Removes what is not sealed. */
  readonly discard: () => void;
};

/** Opens a writer into the store of a directory; `newName` gives names to drafts, which tell when their process has ended. */
export function openPackWriter(directory: string, newName = () => `${draftOwner()}${randomUUID()}`): PackWriter {
  return new Writer(directory, newName);
}

type Draft = { readonly path: string; readonly file: number; size: number; readonly entries: Map<string, PackEntry> };

class Writer implements PackWriter {
  readonly #directory: string;
  readonly #newName: () => string;
  readonly #shelf: PackShelf;
  readonly #scratch = Buffer.allocUnsafe(pieceBytes);
  #draft: Draft | undefined;

  constructor(directory: string, newName: () => string) {
    this.#directory = directory;
    this.#newName = newName;
    this.#shelf = openPackShelf(directory);
  }

  store(content: Uint8Array): StoredObject {
    const size = content.length;
    if (size === 0) return { sha512: "", size };
    const sha512 = hash("sha512", content, "hex");
    const isStored = this.#copies({ sha512, size }).some((copy) => this.#equals(copy, content));
    if (isStored) return { sha512, size };
    const draft = this.#open();
    const offset = draft.size;
    this.#append(draft, content);
    this.#end(draft, { sha512, offset, size });
    return { sha512, size };
  }

  begin(how?: { readonly evenIfStored: true }): ObjectDraft {
    const draft = this.#open();
    const offset = draft.size;
    const sum = createHash("sha512");
    let isOpen = true;
    const cut = () => {
      isOpen = false;
      ftruncateSync(draft.file, offset);
      draft.size = offset;
    };
    return {
      write: (piece) => {
        sum.update(piece);
        this.#append(draft, piece);
      },
      finish: () => {
        const size = draft.size - offset;
        const sha512 = size === 0 ? "" : sum.digest("hex");
        const stored = { sha512, size };
        const isStored = () => this.#copies(stored).some((copy) => this.#hash(copy) === sha512);
        if (size === 0 || (how?.evenIfStored !== true && isStored())) cut();
        else this.#end(draft, { sha512, offset, size });
        isOpen = false;
        return stored;
      },
      discard: () => {
        if (isOpen) cut();
      },
    };
  }

  seal(): void {
    const draft = this.#draft;
    if (draft === undefined) return;
    if (draft.entries.size === 0) {
      this.discard();
      return;
    }
    const text = writePackIndex([...draft.entries.values()]);
    const name = sha512Of(text);
    const path = join(packsIn(this.#directory), name);
    const index = `${draft.path}${indexEnding}`;
    this.#draft = undefined;
    closeSync(draft.file);
    try {
      writeFileSync(index, text, { flag: "wx", mode: 0o644 });
      // The index last: a pack without one is none.
      renameSync(draft.path, path);
      renameSync(index, `${path}${indexEnding}`);
    } catch (error) {
      rmSync(index, { force: true });
      rmSync(draft.path, { force: true });
      throw error;
    }
    this.#shelf.refresh();
  }

  discard(): void {
    if (this.#draft === undefined) return;
    closeSync(this.#draft.file);
    rmSync(this.#draft.path, { force: true });
    this.#draft = undefined;
  }

  #open(): Draft {
    if (this.#draft === undefined) {
      const path = join(draftsIn(this.#directory), this.#newName());
      this.#draft = { path, file: openSync(path, "wx+", 0o644), size: 0, entries: new Map() };
    }
    return this.#draft;
  }

  #append(draft: Draft, piece: Uint8Array): void {
    for (let done = 0; done < piece.length; ) {
      const count = writeSync(draft.file, piece, done, piece.length - done, draft.size);
      done += count;
      draft.size += count;
    }
  }

  #end(draft: Draft, entry: PackEntry): void {
    draft.entries.set(entry.sha512, entry);
    if (draft.size >= packBytes) this.seal();
  }

  /** Where the store, or the draft, seems to have a content: one that is damaged is written again. */
  #copies({ sha512, size }: StoredObject): (Location & { readonly file?: number })[] {
    const draft = this.#draft;
    const own = draft?.entries.get(sha512);
    if (draft !== undefined && own !== undefined) return [{ path: draft.path, file: draft.file, ...own }];
    const found = this.#shelf.find(sha512);
    if (found !== undefined) return [found];
    const path = objectPath(this.#directory, sha512);
    return statSync(path, { throwIfNoEntry: false })?.size === size ? [{ path, offset: 0, size }] : [];
  }

  /** Reads a copy piece by piece; a piece is valid until the callback returns, which says whether to go on. */
  #read(
    { path, file, offset, size }: Location & { readonly file?: number },
    take: (piece: Buffer, at: number) => boolean,
  ): boolean {
    const opened = file ?? openSync(path, "r");
    try {
      for (let at = 0; at < size; ) {
        const count = readSync(opened, this.#scratch, 0, Math.min(pieceBytes, size - at), offset + at);
        if (count === 0 || !take(this.#scratch.subarray(0, count), at)) return false;
        at += count;
      }
      return true;
    } finally {
      if (file === undefined) closeSync(opened);
    }
  }

  #equals(copy: Location & { readonly file?: number }, content: Uint8Array): boolean {
    return (
      copy.size === content.length &&
      this.#read(copy, (piece, at) => piece.equals(content.subarray(at, at + piece.length)))
    );
  }

  #hash(copy: Location & { readonly file?: number }): string {
    const sum = createHash("sha512");
    this.#read(copy, (piece) => {
      sum.update(piece);
      return true;
    });
    return sum.digest("hex");
  }
}
