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
    };

/** The step that puts an inode at a path that has no link to it yet. */
export function placeStep(path: string, inode: Inode): UpdateStep {
  switch (inode.kind) {
    case "directory":
      return { kind: "makeDirectory", path, mode: inode.mode, uid: inode.uid, gid: inode.gid };
    case "regular": {
      const { mode, uid, gid, mtimeMs, size, sha512 } = inode;
      return { kind: "placeFile", path, mode, uid, gid, mtimeMs, size, sha512 };
    }
    case "symlink":
      return { kind: "placeSymlink", path, uid: inode.uid, gid: inode.gid, target: inode.target };
    case "special":
      return { kind: "placeSpecial", path, mode: inode.mode, uid: inode.uid, gid: inode.gid, rdev: inode.rdev };
  }
}

/** The step that gives an inode the metadata of another one with the same content. */
export function metadataStep(path: string, inode: Inode): UpdateStep {
  const owner = { kind: "setMetadata", path, uid: inode.uid, gid: inode.gid } as const;
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

/** Whether an inode on a sub has the wanted owner, mode and time, as far as they apply to its kind. */
export function sameMetadata(old: SeenInode | undefined, inode: Inode): boolean {
  if (old === undefined || old.kind === "protected" || old.uid !== inode.uid || old.gid !== inode.gid) return false;
  const sameMode = old.kind === "symlink" || inode.kind === "symlink" || old.mode === inode.mode;
  const sameTime = old.kind !== "regular" || inode.kind !== "regular" || old.mtimeMs === inode.mtimeMs;
  return sameMode && sameTime;
}
