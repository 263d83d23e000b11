import { type Filter, protectsInOrder } from "../filter.ts";
import { type DirectoryInode, parentPath, type SeenTree, type Tree } from "../tree.ts";
import { planFiles, type Seen, type WantedFile } from "./file-difference.ts";
import { metadataStep, placeStep, sameMetadata, type UpdateStep } from "./update-step.ts";

/** The difference of two trees outside the filter, as steps. */
export type UpdatePlan = {
  readonly steps: readonly UpdateStep[];
  /** Contents that neither the tree nor the sub's object store has; they must be fetched first. */
  readonly missing: readonly Content[];
  /**
   * Wanted paths that cannot be made because a protected path is in the way; they and everything below them stay as
   * they are.
   */
  readonly blocked: readonly string[];
};

/** An object of the store: its SHA-512 in lower-case hex, and its size in bytes. */
export type Content = { readonly sha512: string; readonly size: number };
type Wanted = {
  readonly directories: ReadonlyMap<string, DirectoryInode>;
  readonly files: readonly WantedFile[];
  readonly filePaths: ReadonlySet<string>;
  readonly blocked: ReadonlySet<string>;
};

/**
 * Plans the steps from one tree to another. Their order follows the Dominator's `UpdateRequest` (dominator.md §4): keep
 * contents that are needed again, clear paths that are in the way, make directories from the top, place files, place
 * links, remove paths from the bottom, set metadata. A directory above a protected path is never removed. `objects` are
 * the contents in the sub's store.
 */
export function planUpdate(input: {
  readonly have: SeenTree;
  readonly want: Tree;
  readonly filter: Filter;
  readonly objects: ReadonlySet<string>;
  /** Both sides say which extended attributes there are. */
  readonly attributes?: boolean;
}): UpdatePlan {
  const { attributes = false } = input;
  const seen = readSeen(input.have, input.filter);
  const wanted = readWanted(input.want, input.filter, seen);
  const { clears, removals } = planRemovals(seen, wanted);
  const directories = planDirectories(seen, wanted, attributes);
  const files = planFiles(seen, wanted.files, attributes);
  const { keeps, missing } = findContents(files.placed, seen, input.objects);
  return {
    steps: [
      ...keeps,
      ...clears,
      ...directories.made,
      ...files.placed,
      ...files.links,
      ...removals,
      ...directories.metadata,
      ...files.metadata,
    ],
    missing,
    blocked: [...wanted.blocked],
  };
}

function readSeen(have: SeenTree, filter: Filter): Seen {
  const paths = new Map<string, number>();
  const guarded = new Set<string>();
  const isProtected = protectsInOrder(filter);
  for (const [path, number] of have.entries) {
    if (isProtected(path) || have.inodes[number]?.kind === "protected") guardAbove(path, guarded);
    else paths.set(path, number);
  }
  return { inodes: have.inodes, paths, guarded, at: (path) => have.inodes[paths.get(path) ?? -1] };
}

/** All directories above a guarded directory are guarded already. */
function guardAbove(path: string, guarded: Set<string>): void {
  for (let above = parentPath(path); above !== "/" && !guarded.has(above); above = parentPath(above))
    guarded.add(above);
}

function readWanted(want: Tree, filter: Filter, seen: Seen): Wanted {
  const directories = new Map<string, DirectoryInode>();
  const pathsByInode = new Map<number, string[]>();
  const filePaths = new Set<string>();
  const blocked = new Set<string>();
  const isProtected = protectsInOrder(filter);
  for (const [path, number] of want.entries) {
    const inode = want.inodes[number];
    if (isProtected(path) || inode === undefined) continue;
    if (blocked.has(parentPath(path)) || (inode.kind !== "directory" && seen.guarded.has(path))) blocked.add(path);
    else if (inode.kind === "directory") directories.set(path, inode);
    else {
      filePaths.add(path);
      const paths = pathsByInode.get(number);
      if (paths === undefined) pathsByInode.set(number, [path]);
      else paths.push(path);
    }
  }
  const files = [...pathsByInode].flatMap(([number, paths]) => {
    const inode = want.inodes[number];
    return inode === undefined || inode.kind === "directory" ? [] : [{ inode, paths }];
  });
  return { directories, files, filePaths, blocked };
}

/**
 * Clearing makes room for an object that cannot be renamed into place (a directory for a file, or the reverse); other
 * removals wait until everything is placed.
 */
function planRemovals(
  seen: Seen,
  wanted: Wanted,
): { readonly clears: readonly UpdateStep[]; readonly removals: readonly UpdateStep[] } {
  const clears: UpdateStep[] = [];
  const removals: UpdateStep[] = [];
  const underBlocked = pathsUnder(seen, wanted.blocked);
  const underFile = pathsUnder(seen, wanted.filePaths);
  for (const [path, number] of [...seen.paths].reverse()) {
    if (seen.guarded.has(path) || wanted.blocked.has(path)) continue;
    const isDirectory = seen.inodes[number]?.kind === "directory";
    const step: UpdateStep = { kind: isDirectory ? "removeDirectory" : "removeFile", path };
    if (wanted.directories.has(path)) {
      if (!isDirectory) clears.push(step);
    } else if (wanted.filePaths.has(path)) {
      if (isDirectory) clears.push(step);
    } else if (!underBlocked.has(path)) {
      if (underFile.has(path)) clears.push(step);
      else removals.push(step);
    }
  }
  return { clears, removals };
}

/** The seen paths that are below one of `tops`. */
function pathsUnder({ paths }: Seen, tops: ReadonlySet<string>): ReadonlySet<string> {
  const under = new Set<string>();
  for (const path of paths.keys()) {
    const parent = parentPath(path);
    if (tops.has(parent) || under.has(parent)) under.add(path);
  }
  return under;
}

function planDirectories(
  seen: Seen,
  wanted: Wanted,
  attributes: boolean,
): { readonly made: readonly UpdateStep[]; readonly metadata: readonly UpdateStep[] } {
  const made: UpdateStep[] = [];
  const metadata: UpdateStep[] = [];
  for (const [path, inode] of wanted.directories) {
    const old = seen.at(path);
    if (old?.kind !== "directory") made.push(placeStep(path, inode));
    else if (!sameMetadata(old, inode, attributes)) metadata.push(metadataStep(path, inode, attributes));
  }
  return { made, metadata };
}

/** Splits the contents of the files to place: some are in the tree and must be kept, the others must be fetched. */
function findContents(
  placed: readonly UpdateStep[],
  seen: Seen,
  objects: ReadonlySet<string>,
): { readonly keeps: readonly UpdateStep[]; readonly missing: readonly Content[] } {
  const local = new Map<string, string>();
  for (const [path, number] of seen.paths) {
    const inode = seen.inodes[number];
    // Not a user's file: it may change until it is kept, and the update would lack the content.
    if (inode?.kind === "regular" && inode.size > 0 && inode.uid === 0) local.set(inode.sha512, path);
  }
  const keeps = new Map<string, UpdateStep>();
  const missing = new Map<string, number>();
  for (const step of placed) {
    if (step.kind !== "placeFile" || step.size === 0 || objects.has(step.sha512)) continue;
    const path = local.get(step.sha512);
    if (path === undefined) missing.set(step.sha512, step.size);
    else keeps.set(step.sha512, { kind: "keepObject", path, sha512: step.sha512 });
  }
  return { keeps: [...keeps.values()], missing: [...missing].map(([sha512, size]) => ({ sha512, size })) };
}
