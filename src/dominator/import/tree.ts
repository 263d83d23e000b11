import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { Tree } from "../../core/image/tree.ts";
import { addMember } from "./add-member.ts";
import { importDirectory } from "./directory.ts";
import type { ImportInput, OpenImport } from "./input.ts";
import { listNotCarried } from "./not-carried.ts";
import { archiveBlobs, directoryBlobs } from "./oci/blobs.ts";
import { importLayers } from "./oci/import-layers.ts";
import { readTar } from "./tar-reader.ts";
import { buildTree } from "./tree-builder.ts";
import { isCompressed, unpacked } from "./unpack.ts";
import { openContentWriter } from "./write/content-writer.ts";

/** Bytes of an archive read at once. */
const pieceBytes = 1 << 20;

/**
 * Stores the contents of a tree in the object store and returns the tree. An archive is read as a stream; nothing is
 * unpacked to a disk.
 */
export async function importTree(input: ImportInput): Promise<Tree> {
  const source = await stat(input.source).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT" || cause.code === "ENOTDIR")
      throw new Error(`image source ${input.source}: expected a directory or a tar file, found nothing there`);
    throw new Error(`reading image source ${input.source} failed`, { cause });
  });
  await using writer = openContentWriter(input.objects.directory, input.signal);
  const open = { ...input, writer, tree: buildTree(), notCarried: listNotCarried(input.filter) };
  try {
    if (!source.isDirectory()) await importArchive(open, source.size);
    else await importFrom(open);
    await writer.finish();
    const tree = open.tree.finish(input.filter);
    input.onNotCarried?.(open.notCarried.result());
    return tree;
  } catch (cause) {
    if (!(cause instanceof Error) || input.signal?.aborted === true) throw cause;
    // Messages are printed with those of their causes: what this one repeats is not its cause again.
    throw new Error(`import ${input.source}: ${cause.message}`, { cause: cause.cause });
  }
}

/** A directory with these two files at its top is the layout of a container image (OCI image-spec, image-layout.md). */
async function importFrom(input: OpenImport): Promise<void> {
  const blobs = directoryBlobs(input.source);
  if (!((await blobs.has("oci-layout")) && (await blobs.has("index.json")))) return await importDirectory(input);
  await importLayers(input, blobs);
}

async function importArchive(input: OpenImport, totalBytes: number): Promise<void> {
  const open = () => createReadStream(input.source, { highWaterMark: pieceBytes });
  const blobs = await archiveBlobs(input.source, unpacked(open()));
  if (blobs !== undefined) {
    if (await isCompressed(open()))
      throw new Error("expected the archive of a container image to be plain, found it compressed; unpack it first");
    return await importLayers(input, blobs);
  }
  const file = open();
  let paths = 0;
  for await (const member of readTar(unpacked(file))) {
    input.signal?.throwIfAborted();
    await addMember(member, input);
    paths += 1;
    input.onProgress?.({ paths, readBytes: file.bytesRead, totalBytes });
  }
}
