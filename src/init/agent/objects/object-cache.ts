import * as host from "host";
import * as os from "os";
import { checked } from "../../system/errno.ts";
import { copyFile, exists, list, makeDirectories, removeTree, writeBytes } from "../../system/files.ts";
import { agentPaths } from "../paths.ts";
import type { SubContext } from "../sub-context.ts";

/** Fetched contents that are not yet placed, each in a file `aa/REST` named by its SHA-512. */
export type ObjectCache = {
  /**
   * Names of all stored contents. Contents of an earlier process are verified, and dropped if a power cut damaged them.
   */
  readonly verified: () => readonly string[];
  readonly pathOf: (sha512: string) => string;
  /** The file for a content that is too large for memory. */
  readonly draftPath: () => string;
  /** Stores a content from memory; throws if its hash differs. */
  readonly addBytes: (sha512: string, bytes: Uint8Array) => void;
  /** Stores a content from a file, which is moved; throws if its hash differs. */
  readonly addFile: (sha512: string, path: string) => void;
  readonly addCopy: (sha512: string, path: string) => void;
  /** Removes everything: after an update no content is needed. */
  readonly clear: () => void;
};

/** Opens the cache below the root. */
export function openObjectCache(context: SubContext): ObjectCache {
  const objects = `${context.root}${agentPaths.objects}`;
  const drafts = `${context.root}${agentPaths.drafts}`;
  const made = new Set<string>();
  const known = new Set<string>();
  let count = 0;

  const pathOf = (sha512: string): string => `${objects}/${sha512.slice(0, 2)}/${sha512.slice(2)}`;
  function draftPath(): string {
    makeDirectories(drafts, 0o700);
    count += 1;
    return `${drafts}/${count}`;
  }
  /** The path of an object, in an existing directory. */
  function pathFor(sha512: string): string {
    const directory = sha512.slice(0, 2);
    if (!made.has(directory)) makeDirectories(`${objects}/${directory}`, 0o700);
    made.add(directory);
    return pathOf(sha512);
  }
  function addFile(sha512: string, path: string): void {
    demand(host.sha512File(path), sha512);
    checked(`store object ${sha512}`, os.rename(path, pathFor(sha512)));
    known.add(sha512);
  }
  return {
    verified: () => verifyObjects(objects, known, context),
    pathOf,
    draftPath,
    addBytes: (sha512, bytes) => {
      demand(host.sha512(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length), sha512);
      // Written under its final name: after a power cut the next process reads it and finds the damage.
      writeBytes(pathFor(sha512), bytes);
      known.add(sha512);
    },
    addFile,
    addCopy: (sha512, path) => {
      const draft = draftPath();
      copyFile(path, draft, 0o600);
      addFile(sha512, draft);
    },
    clear: () => {
      made.clear();
      known.clear();
      removeTree(objects);
      removeTree(drafts);
    },
  };
}

/** The names of all objects in a directory; those not known yet are verified, and removed if they are damaged. */
function verifyObjects(objects: string, known: Set<string>, { alive, log }: SubContext): readonly string[] {
  if (!exists(objects)) return [];
  return list(objects).flatMap((directory) =>
    list(`${objects}/${directory}`).flatMap((rest) => {
      alive();
      const path = `${objects}/${directory}/${rest}`;
      const sha512 = `${directory}${rest}`;
      if (known.has(sha512)) return [sha512];
      if (host.sha512File(path) === sha512) {
        known.add(sha512);
        return [sha512];
      }
      log("warn", "dropped a damaged object", { sha512 });
      os.remove(path);
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
