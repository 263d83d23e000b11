import { comparePaths, type RegularInode, type Tree } from "../../src/core/image/tree.ts";
import { openImageStore } from "../../src/dominator/storage/image-store.ts";
import { readManifest } from "../../src/dominator/storage/manifest-file.ts";
import { openObjectStore } from "../../src/dominator/storage/object-store.ts";
import { pathsIn } from "../../src/main/paths.ts";

/**
 * Adds two versions of `compute` to a server's state that is not running: `compute/2` has a few hundred files more,
 * `compute/3` an initrd with other bytes, which counts as another kernel.
 */
export async function addVersions(state: string): Promise<void> {
  const paths = pathsIn(state);
  const objects = await openObjectStore(paths.objects);
  const images = await openImageStore(paths.images, { log: () => {} });
  const { tree, filter } = readManifest(images.pathOf("compute/1"), "compute/1").manifest;
  const added = await Promise.all(
    Array.from({ length: 300 }, async (_, n) => {
      const stored = await objects.add([Buffer.alloc(64 * 1024, `file ${n} of the second version\n`)]);
      const owner = { mode: 0o644, uid: 0, gid: 0, mtimeMs: 1_700_000_000_000 };
      return { path: `/usr/share/power-cut-${n}`, inode: { kind: "regular", ...owner, ...stored } as const };
    }),
  );
  await images.add("compute", { createdAtMs: 1, source: "test", filter, tree: withFiles(tree, added) });
  // Zeros after the archive: the kernel skips them.
  const initrd = tree.entries.find(([path]) => path.startsWith("/boot/initrd.img-"));
  const inode = initrd === undefined ? undefined : tree.inodes[initrd[1]];
  if (initrd === undefined || inode?.kind !== "regular") throw new Error("the demo's image has an initrd");
  const parts: Uint8Array[] = [];
  for await (const part of objects.read(inode.sha512)) parts.push(part);
  const longer = { ...inode, ...(await objects.add([...parts, new Uint8Array(4096)])) };
  const inodes = tree.inodes.map((each, n) => (n === initrd[1] ? longer : each));
  await images.add("compute", { createdAtMs: 2, source: "test", filter, tree: { ...tree, inodes } });
}

function withFiles(tree: Tree, files: readonly { readonly path: string; readonly inode: RegularInode }[]): Tree {
  const inodes = [...tree.inodes, ...files.map(({ inode }) => inode)];
  const entries = [...tree.entries, ...files.map(({ path }, n) => [path, tree.inodes.length + n] as const)].sort(
    ([one], [other]) => comparePaths(one, other),
  );
  return { inodes, entries };
}
