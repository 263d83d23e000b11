import { createHash } from "node:crypto";
import { link, open, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { createZstdCompress } from "node:zlib";
import { errorCode } from "../../core/error-code.ts";
import type { Inode, Tree } from "../../core/image/tree.ts";
import type { ObjectStore } from "../storage/object-store.ts";
import { endMark, memberBlocks, padding } from "./tar-writer.ts";

/** How far an export is: paths and bytes of contents. */
export type ExportProgress = { readonly paths: number; readonly readBytes: number; readonly totalBytes: number };

type ExportInput = {
  readonly tree: Tree;
  readonly objects: Pick<ObjectStore, "read">;
  readonly onProgress?: (progress: ExportProgress) => void;
};

/**
 * Writes an image as a tar archive, which an import reads into the same tree; compressed with zstd if the name ends in `.zst`.
 * The file has its name when it is whole, and only its owner reads it. Throws if the name is taken, or a content is damaged.
 */
export async function exportImage(
  input: ExportInput & { readonly file: string; readonly signal?: AbortSignal },
): Promise<void> {
  const { file, signal } = input;
  const draft = `${file}.partial-${process.pid}`;
  const options = signal === undefined ? {} : { signal };
  try {
    // Opened before anything can fail: a stream that opens it later could make it after it was removed.
    const out = (await open(draft, "wx", 0o600)).createWriteStream({ flush: true });
    if (file.endsWith(".zst")) await pipeline(archiveOf(input), createZstdCompress(), out, options);
    else await pipeline(archiveOf(input), out, options);
    await link(draft, file);
  } catch (cause) {
    if (signal?.aborted === true) throw signal.reason;
    if (errorCode(cause) !== "EEXIST") throw cause;
    throw new Error(`${file}: expected no file of this name, found one; remove it, or choose another name`, { cause });
  } finally {
    await rm(draft, { force: true });
  }
}

/** The bytes of the archive. */
export async function* archiveOf({ tree, objects, onProgress }: ExportInput): AsyncGenerator<Uint8Array> {
  const totalBytes = tree.inodes.reduce((sum, inode) => sum + (inode.kind === "regular" ? inode.size : 0), 0);
  const first = new Map<number, string>();
  let readBytes = 0;
  for (const [index, [path, number]] of tree.entries.entries()) {
    const inode = tree.inodes[number];
    if (inode === undefined) throw new Error(`${path}: expected an inode, found none`);
    const linkTo = inode.kind === "directory" ? undefined : first.get(number);
    yield memberBlocks({ path, inode, ...(linkTo === undefined ? {} : { linkTo }) });
    if (linkTo === undefined) {
      first.set(number, path);
      yield* contentOf(path, inode, objects);
      readBytes += inode.kind === "regular" ? inode.size : 0;
    }
    onProgress?.({ paths: index + 1, readBytes, totalBytes });
  }
  yield endMark;
}

/** A content with its padding; a damaged one must not become part of another image. */
async function* contentOf(path: string, inode: Inode, objects: ExportInput["objects"]): AsyncGenerator<Uint8Array> {
  if (inode.kind !== "regular" || inode.size === 0) return;
  const sum = createHash("sha512");
  let length = 0;
  for await (const piece of objects.read(inode.sha512)) {
    sum.update(piece);
    length += piece.length;
    yield piece;
  }
  if (length !== inode.size || sum.digest("hex") !== inode.sha512)
    throw new Error(`${path}: its content is damaged; import the image again, and birther image verify finds others`);
  yield padding(length);
}
