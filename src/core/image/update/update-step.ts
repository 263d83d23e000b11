import { type Attributes, sameAttributes } from "../attributes/attributes.ts";
import type { Inode, SeenInode } from "../tree.ts";

/**
 * One step on a sub; a plan is a list of them in the order of execution. `place…` makes the new object beside the old
 * one and renames it into place, so that a path is never missing in between.
 */
export type UpdateStep =
  /** Keep a copy of a local file's content in the object store, because its path is about to be removed. */
  | { readonly kind: "keepObject"; readonly path: string; readonly sha512: string }
  | { readonly kind: "removeFile"; readonly path: string }
  /** The directory is already empty. */
  | { readonly kind: "removeDirectory"; readonly path: string }
  | {
      readonly kind: "makeDirectory";
      readonly path: string;
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
      /** Of what is made anew; none if absent. */
      readonly attributes?: Attributes;
    }
  | {
      readonly kind: "placeFile";
      readonly path: string;
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
      readonly mtimeMs: number;
      readonly size: number;
      readonly sha512: string;
      readonly attributes?: Attributes;
    }
  | {
      readonly kind: "placeSymlink";
      readonly path: string;
      readonly uid: number;
      readonly gid: number;
      readonly target: string;
    }
  | {
      readonly kind: "placeSpecial";
      readonly path: string;
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
      readonly rdev: number;
      readonly attributes?: Attributes;
    }
  | { readonly kind: "placeLink"; readonly path: string; readonly existing: string }
  | {
      readonly kind: "setMetadata";
      readonly path: string;
      /** A symbolic link has no mode. */
      readonly mode?: number;
      readonly uid: number;
      readonly gid: number;
      readonly mtimeMs?: number;
      /** All that the image carries; left alone if absent, because the image does not say. */
      readonly attributes?: Attributes;
    };

/** The step that puts an inode at a path that has no link to it yet. */
export function placeStep(path: string, inode: Inode): UpdateStep {
  switch (inode.kind) {
    case "directory": {
      const { mode, uid, gid } = inode;
      return { kind: "makeDirectory", path, mode, uid, gid, ...attributesOf(inode) };
    }
    case "regular": {
      const { mode, uid, gid, mtimeMs, size, sha512 } = inode;
      return { kind: "placeFile", path, mode, uid, gid, mtimeMs, size, sha512, ...attributesOf(inode) };
    }
    case "symlink":
      return { kind: "placeSymlink", path, uid: inode.uid, gid: inode.gid, target: inode.target };
    case "special": {
      const { mode, uid, gid, rdev } = inode;
      return { kind: "placeSpecial", path, mode, uid, gid, rdev, ...attributesOf(inode) };
    }
  }
}

function attributesOf({ attributes }: { readonly attributes?: Attributes }): { readonly attributes?: Attributes } {
  return attributes === undefined ? {} : { attributes };
}

/**
 * The step that gives an inode the metadata of another one with the same content; with `attributes`, also its extended
 * attributes.
 */
export function metadataStep(path: string, inode: Inode, attributes: boolean): UpdateStep {
  const { uid, gid } = inode;
  const all = attributes && inode.kind !== "symlink" ? { attributes: inode.attributes ?? [] } : {};
  const owner = { kind: "setMetadata", path, uid, gid, ...all } as const;
  switch (inode.kind) {
    case "directory":
      return { ...owner, mode: inode.mode };
    case "regular":
      return { ...owner, mode: inode.mode, mtimeMs: inode.mtimeMs };
    case "symlink":
      return owner;
    case "special":
      return { ...owner, mode: inode.mode };
  }
}

/**
 * Whether an inode on a sub has the wanted owner, mode and time, as far as they apply to its kind; with `attributes`, also the
 * wanted extended attributes.
 */
export function sameMetadata(old: SeenInode | undefined, inode: Inode, attributes: boolean): boolean {
  if (old === undefined || old.kind === "protected" || old.uid !== inode.uid || old.gid !== inode.gid) return false;
  const sameMode = old.kind === "symlink" || inode.kind === "symlink" || old.mode === inode.mode;
  const sameTime = old.kind !== "regular" || inode.kind !== "regular" || old.mtimeMs === inode.mtimeMs;
  return sameMode && sameTime && (!attributes || hasAttributesOf(old, inode));
}

function hasAttributesOf(old: Exclude<SeenInode, { kind: "protected" }>, inode: Inode): boolean {
  if (old.kind === "symlink" || inode.kind === "symlink" || old.noAttributes === true) return true;
  return sameAttributes(old.attributes, inode.attributes);
}
