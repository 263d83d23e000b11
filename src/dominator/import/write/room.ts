import { statfsSync } from "node:fs";

/** Free space that an import leaves: the database may be on the same file system, and a full one stops it. */
const leftBytes = 256 << 20;
/** Bytes between two looks at the free space. */
const lookBytes = 32 << 20;

/**
 * Counts bytes before they are stored in a directory. Throws if its file system has little room left: an archive of a few
 * megabytes can unpack to any size.
 */
export function watchRoom(
  directory: string,
  freeBytes: () => number = () => freeIn(directory),
): (bytes: number) => void {
  let unseen = lookBytes;
  return (bytes) => {
    unseen += bytes;
    if (unseen < lookBytes) return;
    const free = freeBytes();
    if (free < leftBytes + unseen)
      throw new Error(
        `${directory}: expected ${mebibytes(leftBytes + unseen)} MiB of free space to go on, found ${mebibytes(free)} MiB; ` +
          "make room; what is stored is not stored again",
      );
    unseen = 0;
  };
}

function freeIn(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}

function mebibytes(bytes: number): number {
  return Math.floor(bytes / 1048576);
}
