import { type Extent, mergedExtents } from "../erasure/luks-header.ts";

const mebibyte = 2 ** 20;
const gibibyte = 2 ** 30;
/**
 * LUKS2 keeps its header, both copies of its metadata and the key slots in the first 16 MiB (cryptsetup, LUKS2 on-disk format §2);
 * all other signatures of disk-contents.ts begin in the first 1.1 MiB.
 */
const headBytes = 16 * mebibyte;
/** Backup GPT, RAID of firmware, md 0.90 and 1.0, DRBD, and the last two labels of ZFS. */
const tailBytes = 2 * mebibyte;
/** Where newer versions of Ceph repeat a device's label (BlueStore, bdev_label_positions). */
const bluestoreLabels = { at: [1, 10, 100, 1000].map((gib) => gib * gibibyte), length: 4096 };

/**
 * Where a disk may have a signature of RAID, volumes, file systems, encryption or a partition table: at both ends of the disk, at the
 * beginning of each partition (`starts`, in bytes), and before it, where most often another one ends.
 */
export function signatureAreas(sizeBytes: number, starts: readonly number[]): readonly Extent[] {
  const ends = [...starts, sizeBytes].map((end) => ({ start: end - tailBytes, length: tailBytes }));
  const beginnings = [0, ...starts].flatMap((start) => [
    { start, length: headBytes },
    ...bluestoreLabels.at.map((at) => ({ start: start + at, length: bluestoreLabels.length })),
  ]);
  return mergedExtents([...beginnings, ...ends].flatMap((area) => cut(area, sizeBytes)));
}

/** The part of an area that is on the disk: an old table may name partitions beyond its end. */
function cut({ start, length }: Extent, sizeBytes: number): readonly Extent[] {
  const [first, end] = [Math.max(0, start), Math.min(start + length, sizeBytes)];
  return end > first ? [{ start: first, length: end - first }] : [];
}
