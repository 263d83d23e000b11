import * as host from "host";
import type { Content } from "../../../core/image/update/difference.ts";
import {
  copyTo,
  exists,
  hashFile,
  list,
  makeDirectories,
  remove,
  removeAt,
  removeTree,
  rename,
} from "../../beneath/files.ts";
import { atEntry, atFile, atPlace, statPath } from "../../beneath/place.ts";
import { checked } from "../../system/errno.ts";
import { readAt } from "../../system/files.ts";
import { agentPaths } from "../paths.ts";
import type { SubContext } from "../sub-context.ts";
import { type BegunContent, begunContent } from "./begun-content.ts";
import { receiveBeside } from "./beside-reception.ts";
import { contentOfDraft, type FoundDraft, type LeftDrafts, openLeftDrafts } from "./left-drafts.ts";
import { type Reception, receive } from "./reception.ts";

/** Fetched contents that are not yet placed, each in a file `aa/REST` named by its SHA-512. Paths are below the root. */
export type ObjectCache = {
  /**
   * Names of all stored contents. Contents of an earlier process are verified, and dropped if a power cut damaged them, or if they are
   * still files of the tree, too.
   */
  readonly verified: () => readonly string[];
  readonly pathOf: (sha512: string) => string;
  /**
   * Begins to store contents in this order; one session at a time. `from` says who sends them; a source that goes on with the first
   * content leaves its first `begunBytes` out.
   */
  readonly receive: (
    contents: readonly Content[],
    from: { readonly source: string; readonly begunBytes: number },
  ) => Reception;
  /**
   * The same for one of several sources that are fetched from at the same time, each with a number. Each is slow, so that one thread has
   * the time to hash and write what they send.
   */
  readonly receiveBeside: (contents: readonly Content[], number: number) => Reception;
  /** The beginnings of contents that are not complete. */
  readonly begun: Pick<
    BegunContent,
    "bytesFor" | "isToBeOfOne" | "hasDraft" | "keepDrafts" | "room" | "forget" | "drop"
  >;
  /** Bytes of a stored content. */
  readonly read: (sha512: string, part: { readonly from: number; readonly to: number }) => Uint8Array;
  /** Stores a copy of an open file of this size; false if its content is another one. */
  readonly addCopy: (content: { readonly sha512: string; readonly size: number }, fd: number) => boolean;
  /** Gives all contents a second name, by which they are served while they are placed. */
  readonly keepServed: () => void;
  /** Removes the second names. */
  readonly dropServed: () => void;
  /** From now on until it is cleared, its contents are nobody else's business: they may be those of a confidential image. */
  readonly keepPrivate: () => void;
  readonly isPrivate: () => boolean;
  /**
   * Gives the file of a place another name as an object, until the update takes its old one; false if its content is another one. It is
   * verified again before it is used in another update, because a file in the tree can change.
   */
  readonly addLink: (sha512: string, fd: number) => boolean;
  /** Removes everything: after an update no content is needed. */
  readonly clear: () => void;
};

/** Opens the cache below the root. */
export function openObjectCache(context: SubContext): ObjectCache {
  const { root, alive } = context;
  const { objects, served, drafts, privateMark } = agentPaths;
  const made = new Set<string>();
  const known = new Set<string>();
  const left = openLeftDrafts(context);
  const begun = begunContent(left);
  let count = 0;

  const pathOf = (sha512: string): string => `${objects}/${sha512.slice(0, 2)}/${sha512.slice(2)}`;
  function makeOnce(directory: string): void {
    if (!made.has(directory)) makeDirectories(root, directory, 0o700);
    made.add(directory);
  }
  function draftPath(): string {
    makeOnce(drafts);
    count += 1;
    return `${drafts}/${count}`;
  }
  /** The path of an object, in an existing directory. */
  function pathFor(sha512: string): string {
    makeOnce(`${objects}/${sha512.slice(0, 2)}`);
    return pathOf(sha512);
  }
  return {
    verified: () => verifyObjects(known, left, context),
    pathOf,
    receive: (contents, from) => {
      makeDirectories(root, objects, 0o700);
      return receive({ root, known, begun }, contents, from);
    },
    receiveBeside: (contents, number) => receiveBeside({ root, alive, known, left, pathFor }, contents, number),
    begun,
    read: (sha512, part) => readPart(root, pathOf(sha512), part),
    addCopy: ({ sha512, size }, fd) => {
      const path = draftPath();
      copyTo(root, path, { fd, limitBytes: size });
      const isWanted = hashFile(root, path, alive) === sha512;
      if (isWanted) {
        rename(root, path, pathFor(sha512));
        known.add(sha512);
      } else remove(root, path);
      return isWanted;
    },
    keepServed: () => linkServed(context),
    dropServed: () => removeTree(root, served),
    keepPrivate: () => void makeDirectories(root, privateMark, 0o700),
    isPrivate: () => exists(root, privateMark),
    addLink: (sha512, fd) => {
      const path = draftPath();
      atEntry(root, path, (entry) => {
        removeAt(entry, path);
        checked(`link ${path}`, host.linkAt(fd, entry.directory, entry.name));
      });
      const isWanted = hashFile(root, path, alive) === sha512;
      if (isWanted) rename(root, path, pathFor(sha512));
      else remove(root, path);
      return isWanted;
    },
    clear: () => {
      made.clear();
      known.clear();
      begun.drop();
      removeTree(root, objects);
      removeTree(root, drafts);
      // Last: a power cut before it leaves nothing that could be served.
      removeTree(root, privateMark);
    },
  };
}

function readPart(
  root: string,
  path: string,
  { from, to }: { readonly from: number; readonly to: number },
): Uint8Array {
  const bytes = new Uint8Array(to - from);
  atFile(root, path, (fd) => readAt({ fd, path }, from, bytes));
  return bytes;
}

function linkServed({ root, alive }: SubContext): void {
  const { objects, served } = agentPaths;
  removeTree(root, served);
  if (!exists(root, objects)) return;
  for (const directory of list(root, objects)) {
    makeDirectories(root, `${served}/${directory}`, 0o700);
    for (const name of list(root, `${objects}/${directory}`)) {
      alive();
      const path = `${directory}/${name}`;
      atPlace(root, `${objects}/${path}`, (fd) =>
        atEntry(root, `${served}/${path}`, (entry) =>
          checked(`link ${served}/${path}`, host.linkAt(fd, entry.directory, entry.name)),
        ),
      );
    }
  }
}

/**
 * The names of all objects; those not known yet are verified, and removed if they are damaged. Takes the drafts of an earlier process.
 */
function verifyObjects(known: Set<string>, left: LeftDrafts, { root, alive, log }: SubContext): readonly string[] {
  const { objects } = agentPaths;
  if (!exists(root, objects)) return [];
  const drafts: FoundDraft[] = [];
  const names = list(root, objects).flatMap((directory) =>
    list(root, `${objects}/${directory}`).flatMap((rest) => {
      alive();
      const path = `${objects}/${directory}/${rest}`;
      const sha512 = `${directory}${rest}`;
      if (known.has(sha512)) return [sha512];
      if (contentOfDraft(`${directory}/${rest}`) !== undefined) {
        drafts.push({ path: `${directory}/${rest}`, bytes: statPath(root, path)?.size ?? 0 });
        return [];
      }
      const isLinked = (statPath(root, path)?.nlink ?? 1) > 1;
      if (!isLinked && hashFile(root, path, alive) === sha512) {
        known.add(sha512);
        return [sha512];
      }
      if (!isLinked) log("warn", "dropped a damaged object", { sha512 });
      remove(root, path);
      return [];
    }),
  );
  const whole = left.found(drafts);
  for (const sha512 of whole) known.add(sha512);
  return [...names, ...whole];
}
