import { textFromBytes } from "../bytes/text.ts";

/** Reads bytes of a disk. Fewer come back only at its end; a read error throws. */
export type ReadDisk = (offset: number, length: number) => Uint8Array;

/** The description of a disk that has bytes other than zero and no known signature. */
export const unknownData = "data of unknown kind";

/** A signature: these bytes at one of these offsets from the beginning (or, negative, from the end) of the disk. */
type Signature = {
  readonly name: string;
  readonly at: readonly number[];
  readonly bytes: string;
  /** Also this far from the end, rounded down to a multiple of `align`; at these distances from there, if any are given. */
  readonly alignedEnd?: { readonly back: number; readonly align: number; readonly plus?: readonly number[] };
};

const kib = 1024;
/**
 * A ZFS label holds its uberblocks in its second half; there are two labels at each end, those at the end below a whole
 * number of labels (OpenZFS on-disk format, §1.2).
 */
const zfsLabelBytes = 256 * kib;
const zfsUberblocks = [0, zfsLabelBytes].flatMap((label) =>
  Array.from({ length: 128 }, (_, index) => label + 128 * kib + index * kib),
);
const zfs = {
  name: "ZFS",
  at: zfsUberblocks,
  alignedEnd: { back: 2 * zfsLabelBytes, align: zfsLabelBytes, plus: zfsUberblocks },
} as const;

const mdMagic = "\xfc\x4e\x2b\xa9";

/**
 * Magic numbers, with the offsets that util-linux's libblkid documents for each format. Where a format has no room of its
 * own at the beginning of the disk (RAID of firmware, md 0.90 and 1.0, the backup GPT), it is looked for at the end.
 */
const signatures: readonly Signature[] = [
  { name: "GPT", at: [512, 4096, -512, -4096], bytes: "EFI PART" },
  { name: "ext2, ext3 or ext4", at: [1024 + 0x38], bytes: "\x53\xef" },
  { name: "XFS", at: [0], bytes: "XFSB" },
  { name: "Btrfs", at: [64 * kib + 0x40], bytes: "_BHRfS_M" },
  {
    name: "bcachefs or bcache",
    at: [4096 + 24],
    bytes: "\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81",
  },
  { name: "bcachefs", at: [4096 + 24], bytes: "\xc6\x85\x73\xf6\x66\xce\x90\xa9\xd9\x6a\x60\xcf\x80\x3d\xf7\xef" },
  { name: "LUKS", at: [0, 16 * kib, 32 * kib, 64 * kib], bytes: "LUKS\xba\xbe" },
  { name: "LUKS", at: [16 * kib, 32 * kib, 64 * kib], bytes: "SKUL\xba\xbe" },
  { name: "LVM", at: [0, 512, 1024, 1536], bytes: "LABELONE" },
  { name: "Linux RAID", at: [0, 4096], bytes: mdMagic, alignedEnd: { back: 8192, align: 4096 } },
  { name: "Linux RAID", at: [], bytes: mdMagic, alignedEnd: { back: 65536, align: 65536 } },
  { name: "Intel firmware RAID", at: [-1024, -8192], bytes: "Intel Raid ISM Cfg Sig. " },
  { name: "DDF RAID", at: [-512, -4096], bytes: "\xde\x11\xde\x11" },
  { name: "DDF RAID", at: [-512, -4096], bytes: "\x11\xde\x11\xde" },
  { name: "Promise RAID", at: [-63 * 512], bytes: "Promise Technology, Inc." },
  { name: "Ceph BlueStore", at: [0], bytes: "bluestore block device" },
  { ...zfs, bytes: "\x0c\xb1\xba\x00\x00\x00\x00\x00" },
  { ...zfs, bytes: "\x00\x00\x00\x00\x00\xba\xb1\x0c" },
  { name: "NTFS", at: [3], bytes: "NTFS    " },
  { name: "exFAT", at: [3], bytes: "EXFAT   " },
  { name: "BitLocker", at: [3], bytes: "-FVE-FS-" },
  { name: "FAT", at: [0x36], bytes: "FAT1" },
  { name: "FAT", at: [0x52], bytes: "FAT32   " },
  { name: "swap", at: [4096 - 10, 65536 - 10, 16384 - 10, 8192 - 10], bytes: "SWAPSPACE2" },
  { name: "swap", at: [4096 - 10, 65536 - 10, 16384 - 10, 8192 - 10], bytes: "SWAP-SPACE" },
  { name: "F2FS", at: [1024], bytes: "\x10\x20\xf5\xf2" },
  { name: "JFS", at: [32 * kib], bytes: "JFS1" },
  { name: "ReiserFS", at: [64 * kib + 0x34, 8 * kib + 0x34], bytes: "ReIsEr" },
  { name: "OCFS2", at: [1024, 2048, 4096, 8192], bytes: "OCFSV2" },
  { name: "GFS2", at: [64 * kib], bytes: "\x01\x16\x19\x70" },
  { name: "VMFS", at: [2 * 512 * kib], bytes: "\x0d\xd0\x01\xc0" },
  { name: "Oracle ASM", at: [32], bytes: "ORCLDISK" },
  { name: "ISO 9660", at: [32 * kib + 1], bytes: "CD001" },
  { name: "UDF", at: [32 * kib + 1], bytes: "BEA01" },
  { name: "SquashFS", at: [0], bytes: "hsqs" },
  { name: "EROFS", at: [1024], bytes: "\xe2\xe1\xf5\xe0" },
  { name: "HFS+", at: [1024], bytes: "H+\x00\x04" },
  { name: "APFS", at: [32], bytes: "NXSB" },
  { name: "UFS", at: [8192 + 1372, 65536 + 1372], bytes: "\x54\x19\x01\x00" },
  { name: "UFS2", at: [8192 + 1372, 65536 + 1372], bytes: "\x19\x01\x54\x19" },
  { name: "DRBD", at: [-4096 + 60], bytes: "\x83\x74\x02\x6b" },
  { name: "Stratis", at: [512 + 4], bytes: "!Stra0tis\x86\xff\x02^\x41rh" },
  { name: "VDO", at: [0], bytes: "dmvdo001" },
];

const headBytes = 1088 * kib;
const tailBytes = 1024 * kib;
/** Samples between head and tail, for data without a signature. */
const sampleCount = 16;
const sampleBytes = 64 * kib;

/**
 * Finds what is on a disk: names of file systems, RAID members, volumes and partition tables, each once, in the order
 * of the table; `unknownData` if there is no signature and not all sampled bytes are zero. Empty for an empty disk.
 * Throws the errors of `read`.
 */
export function findContents(read: ReadDisk, sizeBytes: number): readonly string[] {
  const ends = endsOf(read, sizeBytes);
  const names = namesIn(ends, sizeBytes);
  if (names.length > 0) return names;
  if (!isZero(ends.head) || !isZero(ends.tail) || !samplesAreZero(read, sizeBytes)) return [unknownData];
  return [];
}

/** The same without `unknownData`, which takes much longer to find or to rule out. */
export function findSignatures(read: ReadDisk, sizeBytes: number): readonly string[] {
  return namesIn(endsOf(read, sizeBytes), sizeBytes);
}

type DiskEnds = { readonly head: Uint8Array; readonly tail: Uint8Array };

function endsOf(read: ReadDisk, sizeBytes: number): DiskEnds {
  const tailStart = Math.max(0, sizeBytes - tailBytes);
  return { head: read(0, Math.min(headBytes, sizeBytes)), tail: read(tailStart, sizeBytes - tailStart) };
}

function namesIn({ head, tail }: DiskEnds, sizeBytes: number): readonly string[] {
  const bytesAt = (at: number, length: number): string => {
    const [area, start] = at < 0 ? [tail, tail.length + at] : [head, at];
    return start < 0 ? "" : textFromBytes(area.subarray(start, start + length));
  };
  const offsetsOf = ({ at, alignedEnd }: Signature): readonly number[] => {
    if (alignedEnd === undefined) return at;
    const { back, align, plus = [0] } = alignedEnd;
    const start = Math.floor((sizeBytes - back) / align) * align - sizeBytes;
    return [...at, ...plus.map((distance) => start + distance)];
  };
  const found = signatures.filter((signature) =>
    offsetsOf(signature).some((offset) => bytesAt(offset, signature.bytes.length) === signature.bytes),
  );
  const names = new Set([...found.map(({ name }) => name), ...(hasMbr(head) ? ["partition table (MBR)"] : [])]);
  if (names.has("GPT")) names.delete("partition table (MBR)");
  return [...names];
}

/**
 * What a first birth must not erase without permission: data in a known format. An erased disk may contain random
 * bytes.
 */
export function foreignContents(contents: readonly string[]): readonly string[] {
  return contents.filter((name) => name !== unknownData);
}

/** A partition table of the PC: the boot signature, and at least one entry with a type and a length whose flags are valid. */
function hasMbr(head: Uint8Array): boolean {
  if (head[510] !== 0x55 || head[511] !== 0xaa) return false;
  const entries = [446, 462, 478, 494].map((at) => head.subarray(at, at + 16));
  if (entries.some(([flags = 0]) => flags !== 0 && flags !== 0x80)) return false;
  return entries.some((entry) => entry[4] !== 0 && entry.subarray(12, 16).some((byte) => byte !== 0));
}

function samplesAreZero(read: ReadDisk, sizeBytes: number): boolean {
  const room = sizeBytes - headBytes - tailBytes - sampleBytes;
  if (room <= 0) return true;
  const stride = Math.floor(room / sampleCount / 4096) * 4096;
  return Array.from({ length: sampleCount }, (_, index) => headBytes + index * stride).every((at) =>
    isZero(read(at, sampleBytes)),
  );
}

/**
 * Eight words at a time: QuickJS takes a seventh of the time that a call for each byte takes, and looks at three mebibytes of
 * each disk.
 */
function isZero(bytes: Uint8Array): boolean {
  const isAligned = bytes.byteOffset % 4 === 0;
  const words = isAligned ? new Int32Array(bytes.buffer, bytes.byteOffset, (bytes.length >> 5) * 8) : new Int32Array();
  const count = words.length;
  // Each is in the array: to ask whether it is undefined costs more than the comparison.
  for (let i = 0; i < count; i += 8) {
    const first = (words[i] as number) | (words[i + 1] as number) | (words[i + 2] as number) | (words[i + 3] as number);
    const rest =
      (words[i + 4] as number) | (words[i + 5] as number) | (words[i + 6] as number) | (words[i + 7] as number);
    if ((first | rest) !== 0) return false;
  }
  for (let index = count * 4; index < bytes.length; index += 1) if (bytes[index] !== 0) return false;
  return true;
}
