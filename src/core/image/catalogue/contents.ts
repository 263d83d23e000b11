import { bootKernels } from "../boot/grub.ts";
import type { ImageManifest } from "../manifest.ts";
import { measureTree, parentPath, type Tree } from "../tree.ts";

/** What an image consists of. Hard links count once; `bytes` are those of its contents, each counted once. */
export type ImageContents = {
  readonly source: string;
  readonly directories: number;
  readonly files: number;
  readonly symlinks: number;
  /** Devices, FIFOs and sockets. */
  readonly special: number;
  /** Paths that are a second or later name of a file. */
  readonly hardLinks: number;
  readonly objects: number;
  readonly bytes: number;
  /** Versions of its kernels that have an initrd, newest first. */
  readonly kernels: readonly string[];
  /** Extended attributes by name, with the number of files that have one. */
  readonly attributes: readonly { readonly name: string; readonly files: number }[];
};

/** Names of attributes that are counted each; images choose those of `user.*`. */
const maxAttributeNames = 50;

/** Describes an image. */
export function describeContents({ source, tree }: Pick<ImageManifest, "source" | "tree">): ImageContents {
  const { objects, bytes } = measureTree(tree);
  const kinds = { directory: 0, regular: 0, symlink: 0, special: 0 };
  const attributes = new Map<string, number>();
  for (const inode of tree.inodes) {
    kinds[inode.kind] += 1;
    if (inode.kind === "symlink") continue;
    for (const [name] of inode.attributes ?? []) {
      const counted = attributes.has(name) || attributes.size < maxAttributeNames ? name : "other names";
      attributes.set(counted, (attributes.get(counted) ?? 0) + 1);
    }
  }
  const inBoot = tree.entries.flatMap(([path]) => (parentPath(path) === "/boot" ? [path.slice("/boot/".length)] : []));
  return {
    source,
    ...{ directories: kinds.directory, files: kinds.regular, symlinks: kinds.symlink, special: kinds.special },
    ...{ hardLinks: tree.entries.length - tree.inodes.length, objects, bytes },
    kernels: bootKernels(inBoot).map(({ version }) => version),
    attributes: [...attributes].map(([name, files]) => ({ name, files })),
  };
}

/** Bytes of the contents that both images have. */
export function sharedBytes(one: Tree, other: Tree): number {
  const sizes = contentSizes(one);
  let bytes = 0;
  for (const [sha512, size] of contentSizes(other)) if (sizes.has(sha512)) bytes += size;
  return bytes;
}

/** The sizes of the contents of an image by their SHA-512. */
export function contentSizes({ inodes }: Tree): ReadonlyMap<string, number> {
  return new Map(
    inodes.flatMap((inode) => (inode.kind === "regular" && inode.size > 0 ? [[inode.sha512, inode.size]] : [])),
  );
}
