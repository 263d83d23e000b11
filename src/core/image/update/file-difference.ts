import { type DirectoryInode, fileType, type Inode, type SeenInode } from "../tree.ts";
import { metadataStep, placeStep, sameMetadata, type UpdateStep } from "./update-step.ts";

/** The steps that give files the names and contents that the image wants. */
export type FilePlan = {
  readonly placed: readonly UpdateStep[];
  readonly links: readonly UpdateStep[];
  readonly metadata: readonly UpdateStep[];
};

/**
 * Plans the files. If a file has the right content under one of its names, it is kept and gets its other names as
 * links; otherwise it is placed under its first name. An old inode becomes at most one wanted file: if two wanted files
 * share an inode, they are made separate, so that changing the metadata of one does not change the other. `attributes`:
 * extended attributes are compared.
 */
export function planFiles(seen: Seen, files: readonly WantedFile[], attributes: boolean): FilePlan {
  const placed: UpdateStep[] = [];
  const links: UpdateStep[] = [];
  const metadata: UpdateStep[] = [];
  const taken = new Set<number>();
  for (const { inode, paths } of files) {
    const kept = paths.find((path) => {
      const number = seen.paths.get(path);
      return number !== undefined && !taken.has(number) && sameContent(seen.inodes[number], inode);
    });
    const keptInode = kept === undefined ? undefined : seen.paths.get(kept);
    const source = kept ?? paths[0];
    if (source === undefined) continue;
    if (keptInode === undefined) placed.push(placeStep(source, inode));
    else {
      taken.add(keptInode);
      if (!sameMetadata(seen.at(source), inode, attributes)) metadata.push(metadataStep(source, inode, attributes));
    }
    for (const path of paths) {
      const linked = path === source || (keptInode !== undefined && seen.paths.get(path) === keptInode);
      if (!linked) links.push({ kind: "placeLink", path, existing: source });
    }
  }
  return { placed, links, metadata };
}

function sameContent(old: SeenInode | undefined, inode: WantedFile["inode"]): boolean {
  switch (inode.kind) {
    case "regular":
      return old?.kind === "regular" && old.size === inode.size && old.sha512 === inode.sha512;
    case "symlink":
      return old?.kind === "symlink" && old.target === inode.target;
    case "special":
      return old?.kind === "special" && typeBits(old) === typeBits(inode) && old.rdev === inode.rdev;
  }
}

function typeBits(inode: Inode & { readonly kind: "special" }): number {
  return inode.mode & fileType.mask;
}

/** A sub's tree in the form that the difference needs. */
export type Seen = {
  readonly inodes: readonly SeenInode[];
  /** Unprotected paths and their inode numbers, parents first. */
  readonly paths: ReadonlyMap<string, number>;
  readonly at: (path: string) => SeenInode | undefined;
  /** Directories above a protected path. */
  readonly guarded: ReadonlySet<string>;
};

/** A file of the wanted tree with all its hard links. */
export type WantedFile = { readonly inode: Exclude<Inode, DirectoryInode>; readonly paths: readonly string[] };
