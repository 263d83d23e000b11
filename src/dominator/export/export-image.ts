import { createHash } from "node:crypto";
import { link, lstat, open, rename, rm } from "node:fs/promises";
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
  await checkFree(file);
  try {
    // Opened before anything can fail: a stream that opens it later could make it after it was removed.
    const out = (await open(draft, "wx", 0o600)).createWriteStream({ flush: true });
    if (file.endsWith(".zst")) await pipeline(archiveOf(input), createZstdCompress(), out, options);
    else await pipeline(archiveOf(input), out, options);
    await giveName(draft, file);
  } catch (cause) {
    if (signal?.aborted === true) throw signal.reason;
    throw explained(file, cause);
  } finally {
    await rm(draft, { force: true });
  }
}

/** Before gigabytes are written. */
async function checkFree(file: string): Promise<void> {
  const found = await lstat(file).catch(() => undefined);
  if (found !== undefined) throw taken(file);
}

/** Never replaces a file; where the file system knows no second names, as on a USB stick, one that was made in the last moment. */
async function giveName(draft: string, file: string): Promise<void> {
  try {
    await link(draft, file);
  } catch (cause) {
    if (!withoutLinks.includes(errorCode(cause))) throw cause;
    await checkFree(file);
    await rename(draft, file);
  }
}

/** What link(2) says on FAT and on network file systems. */
const withoutLinks: readonly string[] = ["EPERM", "EOPNOTSUPP", "ENOTSUP", "ENOSYS"];

function taken(file: string): Error {
  return new Error(`${file}: expected no file of this name, found one; remove it, or choose another name`);
}

/** What an operator can do about a system call that failed; anything else as it is. */
function explained(file: string, cause: unknown): unknown {
  const code = errorCode(cause);
  if (code === "EEXIST") return taken(file);
  if (code === "ENOSPC" || code === "EDQUOT")
    return new Error(`${file}: expected room for the archive, found a full disk; nothing is left of it`, { cause });
  if (["ENOENT", "ENOTDIR", "EACCES", "EROFS", "EISDIR"].includes(code))
    return new Error(`${file}: expected a directory to write to, found none (${code})`);
  return cause;
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
