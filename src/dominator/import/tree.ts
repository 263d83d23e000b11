import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { fileType, type Inode, type Tree } from "../../core/image/tree.ts";
import type { ObjectStore } from "../storage/object-store.ts";
import { importDirectory } from "./directory.ts";
import type { ImportInput } from "./input.ts";
import type { TarHeader } from "./tar-member.ts";
import { readTar, type TarMember } from "./tar-reader.ts";
import { buildTree, cleanPath, type TreeBuilder } from "./tree-builder.ts";

/**
 * Stores the contents of a tree in the object store and returns the tree. An archive is read once, as a stream; nothing
 * is unpacked.
 */
export async function importTree(input: ImportInput): Promise<Tree> {
  const source = await stat(input.source).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT" || cause.code === "ENOTDIR")
      throw new Error(`image source ${input.source}: expected a directory or a tar file, found nothing there`);
    throw new Error(`reading image source ${input.source} failed`, { cause });
  });
  const tree = buildTree();
  if (source.isDirectory()) await importDirectory({ ...input, tree });
  else await importArchive(input, tree, source.size);
  return tree.finish(input.filter);
}

async function importArchive(input: ImportInput, tree: TreeBuilder, totalBytes: number): Promise<void> {
  const file = createReadStream(input.source, { highWaterMark: 1 << 18 });
  try {
    let paths = 0;
    for await (const member of readTar(await decompressed(input.source, file))) {
      await addMember(member, input.objects, tree);
      paths += 1;
      input.onProgress?.({ paths, readBytes: file.bytesRead, totalBytes });
    }
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    // Messages are printed with those of their causes: what this one repeats is not its cause again.
    throw new Error(`import ${input.source}: ${cause.message}`, { cause: cause.cause });
  } finally {
    file.destroy();
  }
}

/** Detected by the first bytes, not by the name (RFC 1952 §2.3.1, RFC 8878 §3.1.1, the .xz format §2.1.1.1). */
async function decompressed(path: string, file: NodeJS.ReadableStream): Promise<AsyncIterable<Uint8Array>> {
  const magic = new Uint8Array(6);
  const handle = await open(path);
  await handle.read(magic, 0, magic.length, 0).finally(() => handle.close());
  const hex = Buffer.from(magic).toString("hex");
  if (hex.startsWith("fd377a585a00"))
    throw new Error("expected a plain, gzip or zstd archive, found xz; unpack it with xz -d first");
  const unpack = hex.startsWith("1f8b")
    ? createGunzip()
    : hex.startsWith("28b52ffd")
      ? createZstdDecompress()
      : undefined;
  if (unpack === undefined) return file as AsyncIterable<never>;
  file.on("error", (error) => unpack.destroy(error));
  return file.pipe(unpack);
}

async function addMember({ header, content }: TarMember, objects: ObjectStore, tree: TreeBuilder): Promise<void> {
  const path = cleanPath(header.path);
  if (path === undefined) return;
  if (header.kind === "link") {
    const existing = cleanPath(header.linkPath);
    if (existing === undefined) throw new Error(`${path}: expected a hard link to a file, found one to the root`);
    tree.link(path, existing);
  } else tree.add(path, await inodeOf({ ...header, kind: header.kind }, content, objects));
}

async function inodeOf(
  header: TarHeader & { readonly kind: Exclude<TarHeader["kind"], "link"> },
  content: AsyncIterable<Uint8Array>,
  objects: ObjectStore,
): Promise<Inode> {
  const { mode, uid, gid, mtimeMs } = header;
  const special = (type: number): Inode => ({
    kind: "special",
    mode: type | mode,
    uid,
    gid,
    rdev: deviceNumber(header.major, header.minor),
  });
  switch (header.kind) {
    case "file":
      return { kind: "regular", mode, uid, gid, mtimeMs, ...(await objects.add(content)) };
    case "symlink":
      return { kind: "symlink", uid, gid, target: header.linkPath };
    case "character-device":
      return special(fileType.character);
    case "block-device":
      return special(fileType.block);
    case "directory":
      return { kind: "directory", mode, uid, gid };
    case "fifo":
      return special(fileType.fifo);
  }
}

/** dev_t as in stat(2) (glibc's makedev). */
function deviceNumber(major: number, minor: number): number {
  return (minor & 0xff) + (major & 0xfff) * 0x100 + (minor >>> 8) * 0x100000;
}
