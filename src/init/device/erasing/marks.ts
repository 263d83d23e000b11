import * as host from "host";
import * as os from "os";
import * as std from "std";
import { bytesFromText } from "../../../core/bytes/text.ts";
import { checked } from "../../system/errno.ts";
import { readAt, writeToDescriptor } from "../../system/files.ts";
import { sha512Bytes } from "../../system/sha512.ts";

/** Marks over all of a disk, the first and the last of its blocks among them. */
export const markCount = 64;
const markBytes = 4096;

type MarkedDisk = { readonly path: string; readonly sizeBytes: number };

/**
 * Writes marks over all of a disk before it erases itself, and reads them back from it: only what was seen there can be seen to be
 * gone. `seed` makes them the same at the next boot.
 */
export function writeMarks({ path, sizeBytes }: MarkedDisk, seed: string): void {
  const fd = checked(`open ${path}`, os.open(path, os.O_RDWR));
  try {
    for (let index = 0; index < markCount; index += 1) {
      checked(`seek in ${path}`, os.seek(fd, placeOf(index, sizeBytes), std.SEEK_SET));
      writeToDescriptor(fd, markOf(seed, index), `write ${path}`);
    }
    host.fsync(fd);
  } finally {
    os.close(fd);
  }
  const found = marksLeft({ path, sizeBytes }, seed);
  if (found < markCount)
    throw new Error(`${path}: expected ${markCount} marks to be read back before it erases itself, found ${found}`);
}

/** How many of the marks a disk still has, read from it and not from memory; a block that cannot be read has none. */
export function marksLeft({ path, sizeBytes }: MarkedDisk, seed: string): number {
  host.flushDeviceCache(path);
  const fd = checked(`open ${path}`, os.open(path, os.O_RDONLY));
  const buffer = new Uint8Array(markBytes);
  let left = 0;
  try {
    for (let index = 0; index < markCount; index += 1) {
      if (!isRead({ fd, path }, placeOf(index, sizeBytes), buffer)) continue;
      if (sha512Bytes(buffer) === sha512Bytes(markOf(seed, index))) left += 1;
    }
  } finally {
    os.close(fd);
  }
  return left;
}

function isRead(
  file: { readonly fd: number; readonly path: string },
  offset: number,
  into: Uint8Array<ArrayBuffer>,
): boolean {
  try {
    readAt(file, offset, into);
    return true;
  } catch {
    return false;
  }
}

/** Whole pages, from the first to the last of the disk. */
function placeOf(index: number, sizeBytes: number): number {
  const last = Math.floor(sizeBytes / markBytes) - 1;
  return Math.floor((last * index) / (markCount - 1)) * markBytes;
}

function markOf(seed: string, index: number): Uint8Array {
  const digest = bytesFromText(sha512Bytes(bytesFromText(`${seed} ${index}`)));
  const mark = new Uint8Array(markBytes);
  for (let at = 0; at < markBytes; at += digest.length) mark.set(digest, at);
  return mark;
}
