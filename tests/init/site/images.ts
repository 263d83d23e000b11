import { join } from "node:path";
import type { Attributes } from "../../../src/core/image/attributes/attributes.ts";
import { machineFilterLines } from "../../../src/core/image/filter.ts";
import { ancestorPaths, comparePaths, type Inode } from "../../../src/core/image/tree.ts";
import { type ConfidentialStores, confidentialStores } from "../../../src/dominator/storage/confidential-stores.ts";
import { type ImageStore, openImageStore } from "../../../src/dominator/storage/image-store.ts";
import { type ObjectStore, openObjectStore } from "../../../src/dominator/storage/object-store.ts";

/** Files of an image: text, or a symbolic link's target. */
export type ImageSketch = { readonly [path: string]: string | { readonly link: string } };

const modulesDep =
  "kernel/dm-crypt.ko: kernel/dm-mod.ko\nkernel/dm-mod.ko:\nkernel/raid1.ko: kernel/md-mod.ko\nkernel/md-mod.ko:\n";

/** Two versions of a system with a kernel; the second has another kernel, one more file and one fewer. */
export const imageSketches: readonly ImageSketch[] = [
  {
    "/etc/passwd": "root\n",
    "/etc/empty": "",
    "/etc/gone": "of the first\n",
    "/usr/bin/tool": "tool of the first\n",
    "/usr/bin/copy-of-passwd": "root\n",
    "/usr/lib/modules/6.1.0-1/modules.dep": modulesDep,
    "/usr/lib/modules/6.1.0-1/modules.builtin": "kernel/drivers/char/tpm/tpm_tis.ko\n",
    "/usr/lib/modules/6.1.0-1/kernel/dm-crypt.ko": "crypt",
    "/usr/lib/modules/6.1.0-1/kernel/raid1.ko": "raid",
    "/usr/lib/modules/6.1.0-1/kernel/md-mod.ko": "md",
    "/usr/lib/modules/6.1.0-1/kernel/dm-mod.ko": "mod",
    "/lib": { link: "usr/lib" },
    "/boot/vmlinuz-6.1.0-1": "kernel",
    "/boot/initrd.img-6.1.0-1": "initrd",
  },
  {
    "/etc/passwd": "root and more\n",
    "/etc/empty": "",
    "/etc/new": "of the second\n",
    "/usr/bin/tool": "tool of the second\n",
    "/usr/bin/copy-of-passwd": "root and more\n",
    "/usr/lib/modules/6.1.0-2/modules.dep": modulesDep,
    "/usr/lib/modules/6.1.0-2/modules.builtin": "kernel/drivers/char/tpm/tpm_tis.ko\n",
    "/usr/lib/modules/6.1.0-2/kernel/dm-crypt.ko": "crypt",
    "/usr/lib/modules/6.1.0-2/kernel/raid1.ko": "raid",
    "/usr/lib/modules/6.1.0-2/kernel/md-mod.ko": "md",
    "/usr/lib/modules/6.1.0-2/kernel/dm-mod.ko": "mod",
    "/lib": { link: "usr/lib" },
    "/boot/vmlinuz-6.1.0-2": "kernel 2",
    "/boot/initrd.img-6.1.0-2": "initrd 2",
  },
];

/** Contents that are worth being fetched from other machines. */
export const bulkContents: readonly string[] = Array.from({ length: 5 }, (_, i) => `${i} of the bulk\n`.repeat(70_000));

/** The first version with those contents, too. */
export const bulkSketch: ImageSketch = {
  ...imageSketches[0],
  ...Object.fromEntries(bulkContents.map((content, i) => [`/usr/share/bulk-${i}`, content])),
};

/** Extended attributes of files of the sketches: those of the second tool are others. */
export const toolAttributes: { readonly [content: string]: Attributes } = {
  "tool of the first\n": [["security.capability", "0100000200200000000000000000000000000000"]],
  "tool of the second\n": [["user.note", "00ff"]],
};

/** Stores of the images that all sites serve; they are made once and then only read. */
export type ImageServer = {
  readonly images: ImageStore;
  readonly objects: ObjectStore;
  readonly confidential: ConfidentialStores;
};

/**
 * Imports every sketch as the next version of `compute`, and confidentially as that of `vault`, with the machine's own files protected;
 * and as `bulk` the one whose contents are worth being fetched from other machines.
 */
export async function openImages(directory: string): Promise<ImageServer> {
  const images = await openImageStore(join(directory, "images"), { log: () => undefined });
  const objects = await openObjectStore(join(directory, "objects"));
  const confidential = confidentialStores(join(directory, "confidential"));
  const image = { createdAtMs: 1, source: "sketch", filter: machineFilterLines, attributes: true } as const;
  for (const sketch of imageSketches) {
    await images.add("compute", { ...image, tree: await treeOf(sketch, objects) });
    const secrets = Object.entries(sketch).map(([path, content]) => [
      path,
      typeof content === "string" && content !== "" ? `secret: ${content}` : content,
    ]);
    const tree = await treeOf(Object.fromEntries(secrets), await confidential.ofStream("vault"));
    await images.add("vault", { ...image, confidential: true, tree });
  }
  await images.add("bulk", { ...image, tree: await treeOf(bulkSketch, objects) });
  return { images, objects, confidential };
}

function attributesOf(content: string): { readonly attributes?: Attributes } {
  const attributes = toolAttributes[content];
  return attributes === undefined ? {} : { attributes };
}

async function treeOf(sketch: ImageSketch, objects: ObjectStore) {
  const inodes: Inode[] = [{ kind: "directory", mode: 0o755, uid: 0, gid: 0 }];
  const directories = new Set(Object.keys(sketch).flatMap(ancestorPaths));
  const entries: [string, number][] = [...directories].map((path) => [path, 0]);
  for (const [path, content] of Object.entries(sketch)) {
    const inode: Inode =
      typeof content === "string"
        ? {
            ...{ kind: "regular", mode: 0o644, uid: 0, gid: 0, mtimeMs: 1_700_000_000_000 },
            ...(await objects.add([Buffer.from(content)])),
            ...attributesOf(content),
          }
        : { kind: "symlink", uid: 0, gid: 0, target: content.link };
    entries.push([path, inodes.push(inode) - 1]);
  }
  // Each directory is its own inode, because only files have several names.
  const numbered = entries.map(([path, number]): [string, number] =>
    number === 0 ? [path, inodes.push({ kind: "directory", mode: 0o755, uid: 0, gid: 0 }) - 1] : [path, number],
  );
  numbered.sort(([one], [other]) => comparePaths(one, other));
  return { inodes, entries: numbered };
}
