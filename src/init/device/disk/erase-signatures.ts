import * as host from "host";
import * as os from "os";
import * as std from "std";
import type { Extent } from "../../../core/erasure/luks-header.ts";
import { partitionStarts } from "../../../core/erasure/partition-starts.ts";
import { findSignatures } from "../../../core/hardware/disk-contents.ts";
import type { DiskIdentity } from "../../../core/hardware/disk-identity.ts";
import { signatureAreas } from "../../../core/install/signature-areas.ts";
import { checked } from "../../system/errno.ts";
import { readAt, writeToDescriptor } from "../../system/files.ts";
import { readDisk } from "./read-disk.ts";
import { zeroBlockBytes as blockBytes, isZeros, zeroBlock } from "./zeros.ts";

/**
 * Overwrites with zeros what may be a signature on this disk and on its old partitions, and reads it back from the medium. Returns
 * what was there. Throws if something still is: a disk may accept a write and keep what it had.
 */
export function eraseSignatures({ path, sizeBytes }: Pick<DiskIdentity, "path" | "sizeBytes">): readonly string[] {
  const fd = checked(`open ${path}`, os.open(path, os.O_RDWR));
  const read = readDisk({ fd, path }, sizeBytes);
  try {
    const found = findSignatures(read, sizeBytes);
    for (const area of signatureAreas(sizeBytes, partitionStarts(read, sizeBytes))) zero(fd, path, area);
    host.fsync(fd);
    host.flushDeviceCache(path);
    const left = findSignatures(read, sizeBytes);
    if (left.length > 0) throw new Error(`erase ${path}: expected no signature, found ${left.join(", ")}`);
    return found;
  } finally {
    os.close(fd);
  }
}

/** Blocks that are zero already are only read: most are, and flash wears. */
function zero(fd: number, path: string, { start, length }: Extent): void {
  for (let done = 0; done < length; done += blockBytes) {
    const block = new Uint8Array(Math.min(blockBytes, length - done));
    readAt({ fd, path }, start + done, block);
    if (isZeros(block)) continue;
    checked(`seek in ${path}`, os.seek(fd, start + done, std.SEEK_SET));
    writeToDescriptor(fd, zeroBlock.subarray(0, block.length), `write ${path}`);
  }
}
