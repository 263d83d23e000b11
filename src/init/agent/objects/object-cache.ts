import * as os from "os";
import {
  copyTo,
  createFile,
  exists,
  hashFile,
  list,
  makeDirectories,
  remove,
  removeTree,
  rename,
  writeBytes,
} from "../../beneath/files.ts";
import { sha512Bytes } from "../../system/sha512.ts";
import { agentPaths } from "../paths.ts";
import type { SubContext } from "../sub-context.ts";

/** A file for a content that is on its way, open for writing. */
export type ObjectDraft = { readonly fd: number; readonly path: string };

/** Fetched contents that are not yet placed, each in a file `aa/REST` named by its SHA-512. Paths are below the root. */
export type ObjectCache = {
  /**
   * Names of all stored contents. Contents of an earlier process are verified, and dropped if a power cut damaged them.
   */
  readonly verified: () => readonly string[];
  readonly pathOf: (sha512: string) => string;
  /** Opens a file for a content that is too large for memory. */
  readonly openDraft: () => ObjectDraft;
  /** Stores a content from memory; throws if its hash differs. */
  readonly addBytes: (sha512: string, bytes: Uint8Array) => void;
  /** Stores a content from a draft, which is closed and moved; throws if its hash differs. */
  readonly addDraft: (sha512: string, draft: ObjectDraft) => void;
  /** Stores a copy of an open file of this size; false if its content is another one. */
  readonly addCopy: (content: { readonly sha512: string; readonly size: number }, fd: number) => boolean;
  /** Removes everything: after an update no content is needed. */
  readonly clear: () => void;
};

/** Opens the cache below the root. */
export function openObjectCache(context: SubContext): ObjectCache {
  const { root, alive } = context;
  const { objects, drafts } = agentPaths;
  const made = new Set<string>();
  const known = new Set<string>();
  let count = 0;

  const pathOf = (sha512: string): string => `${objects}/${sha512.slice(0, 2)}/${sha512.slice(2)}`;
  function draftPath(): string {
    makeDirectories(root, drafts, 0o700);
    count += 1;
    return `${drafts}/${count}`;
  }
  /** The path of an object, in an existing directory. */
  function pathFor(sha512: string): string {
    const directory = sha512.slice(0, 2);
    if (!made.has(directory)) makeDirectories(root, `${objects}/${directory}`, 0o700);
    made.add(directory);
    return pathOf(sha512);
  }
  function store(sha512: string, path: string): void {
    rename(root, path, pathFor(sha512));
    known.add(sha512);
  }
  return {
    verified: () => verifyObjects(known, context),
    pathOf,
    openDraft: () => {
      const path = draftPath();
      return { fd: createFile(root, path), path };
    },
    addBytes: (sha512, bytes) => {
      demand(sha512Bytes(bytes), sha512);
      // Written under its final name: after a power cut the next process reads it and finds the damage.
      writeBytes(root, pathFor(sha512), bytes);
      known.add(sha512);
    },
    addDraft: (sha512, { fd, path }) => {
      os.close(fd);
      demand(hashFile(root, path, alive), sha512);
      store(sha512, path);
    },
    addCopy: ({ sha512, size }, fd) => {
      const path = draftPath();
      copyTo(root, path, { fd, limitBytes: size });
      const isWanted = hashFile(root, path, alive) === sha512;
      if (isWanted) store(sha512, path);
      else remove(root, path);
      return isWanted;
    },
    clear: () => {
      made.clear();
      known.clear();
      removeTree(root, objects);
      removeTree(root, drafts);
    },
  };
}

/** The names of all objects; those not known yet are verified, and removed if they are damaged. */
function verifyObjects(known: Set<string>, { root, alive, log }: SubContext): readonly string[] {
  const { objects } = agentPaths;
  if (!exists(root, objects)) return [];
  return list(root, objects).flatMap((directory) =>
    list(root, `${objects}/${directory}`).flatMap((rest) => {
      alive();
      const path = `${objects}/${directory}/${rest}`;
      const sha512 = `${directory}${rest}`;
      if (known.has(sha512)) return [sha512];
      if (hashFile(root, path, alive) === sha512) {
        known.add(sha512);
        return [sha512];
      }
      log("warn", "dropped a damaged object", { sha512 });
      remove(root, path);
      return [];
    }),
  );
}

function demand(found: string, sha512: string): void {
  if (found !== sha512)
    throw new Error(
      `fetched object: expected SHA-512 ${sha512.slice(0, 16)}…, found ${found.slice(0, 16)}…; it is damaged or forged`,
    );
}
