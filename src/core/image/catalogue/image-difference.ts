import { sameAttributes } from "../attributes/attributes.ts";
import type { Inode, Tree } from "../tree.ts";
import { contentSizes } from "./contents.ts";

/** In what a path differs between two images. */
export const aspects = ["kind", "content", "owner", "mode", "time", "target", "device", "attributes", "links"] as const;
export type Aspect = (typeof aspects)[number];

/** A path that two images have not in common, or not alike. */
export type PathChange = {
  readonly path: string;
  readonly change: "added" | "removed" | "changed";
  /** In what a changed path differs. */
  readonly what?: readonly Aspect[];
};

/** The differences of two images, in the order of their paths; `paths` has the first of them only. */
export type ImageDifference = {
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
  /** What a machine with the first image fetches for the second. */
  readonly fetch: { readonly objects: number; readonly bytes: number };
  readonly paths: readonly PathChange[];
};

/** Limit of the paths that an answer names. */
export const maxNamedPaths = 10_000;

/** Compares two images path by path. */
export function diffImages(from: Tree, to: Tree): ImageDifference {
  const [before, after] = [namesByInode(from), namesByInode(to)];
  const old = new Map(from.entries);
  const fresh = new Map(to.entries);
  const count = { added: 0, removed: 0, changed: 0 };
  const paths: PathChange[] = [];
  for (const path of [...new Set([...old.keys(), ...fresh.keys()])].sort()) {
    const change = changeAt(path, { from, to, old, fresh, before, after });
    if (change === undefined) continue;
    count[change.change] += 1;
    if (paths.length < maxNamedPaths) paths.push(change);
  }
  return { ...count, fetch: missingContents(from, to), paths };
}

type Sides = {
  readonly from: Tree;
  readonly to: Tree;
  readonly old: ReadonlyMap<string, number>;
  readonly fresh: ReadonlyMap<string, number>;
  readonly before: readonly string[];
  readonly after: readonly string[];
};

function changeAt(path: string, { from, to, old, fresh, before, after }: Sides): PathChange | undefined {
  const [oldNumber, newNumber] = [old.get(path) ?? -1, fresh.get(path) ?? -1];
  const [one, other] = [from.inodes[oldNumber], to.inodes[newNumber]];
  if (one === undefined) return { path, change: "added" };
  if (other === undefined) return { path, change: "removed" };
  const differs = differing(one, other);
  if (one.kind !== "directory" && before[oldNumber] !== after[newNumber]) differs.push("links");
  return differs.length === 0 ? undefined : { path, change: "changed", what: differs };
}

/** The names of each inode as one text. */
function namesByInode({ inodes, entries }: Tree): readonly string[] {
  const names: string[] = inodes.map(() => "");
  for (const [path, number] of entries) names[number] += `${path}\0`;
  return names;
}

function differing(one: Inode, other: Inode): Aspect[] {
  if (one.kind !== other.kind) return ["kind"];
  const found: Aspect[] = [];
  if (one.kind === "regular" && other.kind === "regular") {
    if (one.sha512 !== other.sha512) found.push("content");
    if (one.mtimeMs !== other.mtimeMs) found.push("time");
  }
  if (one.kind === "special" && other.kind === "special" && one.rdev !== other.rdev) found.push("device");
  if (one.uid !== other.uid || one.gid !== other.gid) found.push("owner");
  if (one.kind === "symlink" || other.kind === "symlink") {
    if (one.kind === "symlink" && other.kind === "symlink" && one.target !== other.target) found.push("target");
    return found;
  }
  if (one.mode !== other.mode) found.push("mode");
  if (!sameAttributes(one.attributes, other.attributes)) found.push("attributes");
  return found;
}

function missingContents(from: Tree, to: Tree): ImageDifference["fetch"] {
  const there = contentSizes(from);
  let [objects, bytes] = [0, 0];
  for (const [sha512, size] of contentSizes(to)) {
    if (there.has(sha512)) continue;
    objects += 1;
    bytes += size;
  }
  return { objects, bytes };
}
