import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { fileType, type Inode, type Tree } from "../../core/image/tree.ts";
import { importDirectory } from "./directory.ts";
import type { ImportInput, OpenImport } from "./input.ts";
import type { TarHeader } from "./tar-member.ts";
import { readTar, type TarMember } from "./tar-reader.ts";
import { buildTree, cleanPath } from "./tree-builder.ts";
import { unpacked } from "./unpack.ts";
import { openContentWriter } from "./write/content-writer.ts";

/** Bytes of an archive read at once. */
const readBytes = 1 << 20;

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
  await using writer = openContentWriter(input.objects.directory);
  const open = { ...input, writer, tree: buildTree() };
  if (source.isDirectory()) await importDirectory(open);
  else await importArchive(open, source.size);
  await writer.finish();
  return open.tree.finish(input.filter);
}

async function importArchive(input: OpenImport, totalBytes: number): Promise<void> {
  const file = createReadStream(input.source, { highWaterMark: readBytes });
  try {
    let paths = 0;
    for await (const member of readTar(await unpacked(input.source, file))) {
      input.signal?.throwIfAborted();
      await addMember(member, input);
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

async function addMember({ header, content }: TarMember, { tree, writer }: OpenImport): Promise<void> {
  const path = cleanPath(header.path);
  if (path === undefined) return;
  const { kind, mode, uid, gid, mtimeMs } = header;
  if (kind === "link") {
    const existing = cleanPath(header.linkPath);
    if (existing === undefined) throw new Error(`${path}: expected a hard link to a file, found one to the root`);
    tree.link(path, existing);
  } else if (kind === "file") {
    const store = tree.addFile(path);
    await writer.put(content, (object) => store({ kind: "regular", mode, uid, gid, mtimeMs, ...object }));
  } else tree.add(path, inodeOf({ ...header, kind }));
}

function inodeOf(header: TarHeader & { readonly kind: Exclude<TarHeader["kind"], "link" | "file"> }): Inode {
  const { mode, uid, gid } = header;
  const special = (type: number): Inode => ({
    kind: "special",
    mode: type | mode,
    uid,
    gid,
    rdev: deviceNumber(header.major, header.minor),
  });
  switch (header.kind) {
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
