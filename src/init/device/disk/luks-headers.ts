import * as host from "host";
import * as os from "os";
import * as std from "std";
import { bytesFromText } from "../../../core/bytes/text.ts";
import {
  type Extent,
  luksExtent,
  luksMagic,
  mergedExtents,
  scannedMebibytes,
  usualSecondAt,
} from "../../../core/erasure/luks-header.ts";
import { partitionStarts } from "../../../core/erasure/partition-starts.ts";
import type { DiskIdentity } from "../../../core/hardware/disk-identity.ts";
import { checked } from "../../system/errno.ts";
import { readAt, writeToDescriptor } from "../../system/files.ts";
import { readDisk } from "./read-disk.ts";
import { zeroBlockBytes as blockBytes, isZeros, zeroBlock } from "./zeros.ts";

/** The searched area full of headers, and three times as much in partitions beyond it: no disk of a fleet has more. */
const mostBytes = 8 * 2 ** 30;

/** What was overwritten with zeros and read back as zeros. */
export type ErasedHeaders = { readonly headers: number; readonly mebibytes: number };

/**
 * Overwrites the LUKS headers of a disk, with both copies and their key slots: at its beginning, where partitions of its
 * tables begin, and at every mebibyte where an earlier layout of ours may have begun. Throws if a byte that is read back
 * from the disk differs.
 */
export function eraseLuksHeaders({ path, sizeBytes }: DiskIdentity): ErasedHeaders {
  const fd = checked(`open ${path}`, os.open(path, os.O_RDWR));
  try {
    const file = { fd, path };
    const found = findHeaders(file, sizeBytes);
    const extents = mergedExtents(found);
    const bytes = extents.reduce((sum, { length }) => sum + length, 0);
    if (bytes > mostBytes)
      throw new Error(
        `${path}: expected LUKS headers of ${mostBytes / blockBytes} MiB at most, found ${Math.ceil(bytes / blockBytes)} MiB of them`,
      );
    for (const extent of extents) overwrite(file, extent);
    if (extents.length > 0) host.flushDeviceCache(path);
    for (const extent of extents) readBack(file, extent);
    return { headers: found.length, mebibytes: Math.ceil(bytes / blockBytes) };
  } finally {
    os.close(fd);
  }
}

type OpenDisk = { readonly fd: number; readonly path: string };

function findHeaders(disk: OpenDisk, sizeBytes: number): readonly Extent[] {
  const read = readDisk(disk, sizeBytes);
  const search = (magic: string, first: number) =>
    host.findBytes(disk.path, bytesFromText(magic).buffer as ArrayBuffer, first, blockBytes, scannedMebibytes);
  const starts = new Set([
    0,
    ...partitionStarts(read, sizeBytes),
    ...search(luksMagic.first, 0),
    ...search(luksMagic.second, usualSecondAt).map((at) => at - usualSecondAt),
  ]);
  return [...starts].flatMap((start) => luksExtent(read, start, sizeBytes) ?? []);
}

function overwrite({ fd, path }: OpenDisk, extent: Extent): void {
  checked(`seek in ${path}`, os.seek(fd, extent.start, std.SEEK_SET));
  forBlocks(extent, (_, length) => writeToDescriptor(fd, zeroBlock.subarray(0, length), `write ${path}`));
  host.fsync(fd);
}

/** From the disk and not from memory: the caller has dropped the kernel's cache of it. */
function readBack(disk: OpenDisk, extent: Extent): void {
  const buffer = new Uint8Array(blockBytes);
  forBlocks(extent, (at, length) => {
    const part = length === blockBytes ? buffer : new Uint8Array(length);
    readAt(disk, at, part);
    if (!isZeros(part))
      throw new Error(
        `${disk.path}: expected zeros at byte ${at} after an old LUKS header was overwritten, found other bytes`,
      );
  });
}

function forBlocks({ start, length }: Extent, work: (at: number, length: number) => void): void {
  for (let done = 0; done < length; done += blockBytes) work(start + done, Math.min(blockBytes, length - done));
}
