/** File type bits of st_mode (inode(7)); the rest are permissions. */
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
};
export type RegularInode = {
  readonly kind: "regular";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Whole milliseconds since 1970: what QuickJS's os.stat tells. */
  readonly mtimeMs: number;
  readonly size: number;
  /** Lower-case hex; empty for a file of length zero, which has no object. */
  readonly sha512: string;
};
export type SymlinkInode = {
  readonly kind: "symlink";
  readonly uid: number;
  readonly gid: number;
  readonly target: string;
};
/** A device, FIFO or socket. Its mtime is left out: it changes with use. */
export type SpecialInode = {
  readonly kind: "special";
  /** With the file type bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly rdev: number;
};
/** Something a sub has that its filter protects: reported, so that its parents are kept, but not looked into. */
export type ProtectedInode = { readonly kind: "protected" };

/** What stands behind a path. `mode` holds permission bits only, except for a special file. */
export type Inode = DirectoryInode | RegularInode | SymlinkInode | SpecialInode;
export type SeenInode = Inode | ProtectedInode;

/**
 * A file-system tree. Several entries with the same inode number are hard links of one file.
 * Entries are sorted by path, so that a directory comes before what is in it; paths are absolute, and `/` itself is left out.
 */
export type Tree<Node extends SeenInode = Inode> = {
  readonly inodes: readonly Node[];
  readonly entries: readonly TreeEntry[];
};
/** Path and index into `inodes`. */
export type TreeEntry = readonly [path: string, inode: number];

/** What a sub reports: its tree with the protected places marked. */
export type SeenTree = Tree<SeenInode>;

/** Compares paths by code unit, under which a directory comes before what is in it. */
export function comparePaths(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** The directory a path is in; `/` for a path at the top. */
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

/** No system's own files lie deeper. What lies deeper on a machine is left alone, like what its filter protects. */
export const maxTreeDepth = 128;

/** How many directories a path is below `/`, itself counted: 2 for `/etc/passwd`. */
export function depthOf(path: string): number {
  let depth = 0;
  for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) depth += 1;
  return depth;
}

/** A seen tree whose directories at the greatest depth are marked as protected, without what is in them. */
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

/** What is wrong with a tree from outside, as a sentence; undefined if nothing is. */
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

/** Whether a path is absolute and has no empty, `.` or `..` part and no NUL: nothing else may reach a file system. */
export function isPlainPath(path: string): boolean {
  if (!path.startsWith("/") || path.includes("\0")) return false;
  return path
    .slice(1)
    .split("/")
    .every((part) => part !== "" && part !== "." && part !== "..");
}

/** Files, directories and bytes of content (hard links counted once) in a tree. */
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
