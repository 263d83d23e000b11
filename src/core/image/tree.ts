import { type Attributes, attributeBytes, faultOfAttributes, maxImageAttributeBytes } from "./attributes/attributes.ts";

/** File type bits of st_mode (inode(7)); the other bits are permissions. */
export const fileType = {
  mask: 0o170000,
  socket: 0o140000,
  symlink: 0o120000,
  regular: 0o100000,
  block: 0o060000,
  directory: 0o040000,
  character: 0o020000,
  fifo: 0o010000,
} as const;

export type DirectoryInode = {
  readonly kind: "directory";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** None if absent. */
  readonly attributes?: Attributes;
};
export type RegularInode = {
  readonly kind: "regular";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Whole milliseconds since 1970, the precision of QuickJS's os.stat. */
  readonly mtimeMs: number;
  readonly size: number;
  /** Lower-case hex; empty for an empty file, which has no object. */
  readonly sha512: string;
  readonly attributes?: Attributes;
};
export type SymlinkInode = {
  readonly kind: "symlink";
  readonly uid: number;
  readonly gid: number;
  readonly target: string;
};
/** A device, FIFO or socket. It has no mtime, because use changes it. */
export type SpecialInode = {
  readonly kind: "special";
  /** Includes the file type bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly rdev: number;
  readonly attributes?: Attributes;
};
/** A path that the filter protects: reported, so that its parents are kept, but not examined. */
export type ProtectedInode = { readonly kind: "protected" };

/** A file on a file system that keeps no attributes: they are not compared. */
type WithoutAttributes = { readonly noAttributes?: true };

/** The object behind a path. `mode` holds only permission bits, except for a special file. */
export type Inode = DirectoryInode | RegularInode | SymlinkInode | SpecialInode;
export type SeenInode =
  | (DirectoryInode & WithoutAttributes)
  | (RegularInode & WithoutAttributes)
  | SymlinkInode
  | (SpecialInode & WithoutAttributes)
  | ProtectedInode;

/**
 * A file-system tree. Entries with the same inode number are hard links of one file. Entries are sorted by path, so
 * that a directory comes before its contents; paths are absolute, and `/` itself is left out.
 */
export type Tree<Node extends SeenInode = Inode> = {
  readonly inodes: readonly Node[];
  readonly entries: readonly TreeEntry[];
};
/** A path, and an index into `inodes`. */
export type TreeEntry = readonly [path: string, inode: number];

/** A tree as a sub reports it, with protected paths marked. */
export type SeenTree = Tree<SeenInode>;

/** Compares paths by code unit, so that a directory comes before its contents. */
export function comparePaths(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** The directory of a path; `/` for a path at the top. */
export function parentPath(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash <= 0 ? "/" : path.slice(0, slash);
}

/** All directories above a path, nearest first, without `/`. */
export function ancestorPaths(path: string): readonly string[] {
  const ancestors: string[] = [];
  for (let parent = parentPath(path); parent !== "/"; parent = parentPath(parent)) ancestors.push(parent);
  return ancestors;
}

/**
 * Greatest depth of a tree. No system has files of its own deeper than this; deeper files on a machine are left alone,
 * like protected ones.
 */
export const maxTreeDepth = 128;

/** The number of path components: 2 for `/etc/passwd`. */
export function depthOf(path: string): number {
  let depth = 0;
  for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) depth += 1;
  return depth;
}

/** Marks directories at the greatest depth as protected and drops their contents. */
export function withoutDeepPaths(tree: SeenTree): SeenTree {
  if (tree.entries.every(([path]) => depthOf(path) < maxTreeDepth)) return tree;
  const inodes: SeenInode[] = [...tree.inodes, { kind: "protected" }];
  const entries = tree.entries.flatMap(([path, inode]): TreeEntry[] => {
    const depth = depthOf(path);
    if (depth > maxTreeDepth) return [];
    const isLastDirectory = depth === maxTreeDepth && tree.inodes[inode]?.kind === "directory";
    return [[path, isLastDirectory ? inodes.length - 1 : inode]];
  });
  return { inodes, entries };
}

/** Describes what is invalid in a tree from outside; undefined for a valid tree. */
export function faultOfTree(tree: SeenTree): string | undefined {
  let previous = "";
  const directories = new Set<string>(["/"]);
  for (const [path, number] of tree.entries) {
    const inode = tree.inodes[number];
    if (inode === undefined) return `${path} names inode ${number}, but there are ${tree.inodes.length}`;
    if (!isPlainPath(path)) return `${JSON.stringify(path)} is not an absolute path without empty, . or .. parts`;
    if (comparePaths(previous, path) >= 0) return `${path} is out of order or there twice`;
    if (!directories.has(parentPath(path))) return `${path} is in a directory that is not in the tree`;
    if (inode.kind === "directory") directories.add(path);
    previous = path;
  }
  return undefined;
}

/** Describes what is invalid in the attributes of an image's files. */
export function faultOfTreeAttributes(tree: Tree): string | undefined {
  let bytes = 0;
  for (const inode of tree.inodes) {
    if (inode.kind === "symlink" || inode.attributes === undefined) continue;
    const fault = faultOfAttributes(inode.attributes);
    if (fault !== undefined) return fault;
    bytes += attributeBytes(inode.attributes);
  }
  if (bytes <= maxImageAttributeBytes) return undefined;
  return `expected at most ${maxImageAttributeBytes} bytes of extended attributes in an image, found ${bytes}`;
}

/**
 * Whether a path is absolute and has no empty, `.` or `..` component and no NUL. Only such paths may reach a file
 * system.
 */
export function isPlainPath(path: string): boolean {
  if (!path.startsWith("/") || path.includes("\0")) return false;
  return path
    .slice(1)
    .split("/")
    .every((part) => part !== "" && part !== "." && part !== "..");
}

/** Counts the files, the directories and the bytes of content of a tree; hard links count once. */
export function measureTree(tree: Tree): {
  readonly entries: number;
  readonly objects: number;
  readonly bytes: number;
} {
  const sizes = new Map<string, number>();
  for (const inode of tree.inodes) if (inode.kind === "regular" && inode.size > 0) sizes.set(inode.sha512, inode.size);
  let bytes = 0;
  for (const size of sizes.values()) bytes += size;
  return { entries: tree.entries.length, objects: sizes.size, bytes };
}
