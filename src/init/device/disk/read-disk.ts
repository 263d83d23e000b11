import type { ReadDisk } from "../../../core/hardware/disk-contents.ts";
import { readAt } from "../../system/files.ts";

/** Reads an open disk up to its end: where to read comes from what an earlier system wrote. Throws if the disk fails to. */
export function readDisk(disk: { readonly fd: number; readonly path: string }, sizeBytes: number): ReadDisk {
  return (offset, length) => {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, sizeBytes - offset)));
    if (bytes.length > 0) readAt(disk, offset, bytes);
    return bytes;
  };
}
