import { hexFromBytes } from "../bytes/text.ts";
import type { Firmware } from "../machine/record.ts";
import type { Random } from "../ports.ts";

/** The use of a partition. `loader` is the ESP, or on BIOS the partition that holds GRUB's core.img. */
export type PartitionUse = "esp" | "biosBoot" | "boot" | "root";

export type Partition = {
  readonly use: PartitionUse;
  readonly number: number;
  /** Device path, e.g. `/dev/vda1`. */
  readonly path: string;
  /** Lower-case PARTUUID. */
  readonly uuid: string;
  /** In the disk's logical sectors. */
  readonly firstSector: number;
  readonly sectorCount: number;
};

export type Layout = {
  readonly disk: string;
  readonly diskUuid: string;
  readonly sectorBytes: number;
  readonly partitions: readonly Partition[];
};

/** The number of each partition in its table: a later boot finds it by this number. */
export const partitionNumbers: { readonly [Use in PartitionUse]: number } = { esp: 1, biosBoot: 1, boot: 2, root: 3 };

/** GPT partition type GUIDs (UEFI 2.10 §5.3.3; GRUB manual "BIOS installation"; Linux Discoverable Partitions Specification). */
const partitionTypes: { readonly [Use in PartitionUse]: string } = {
  esp: "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
  biosBoot: "21686148-6449-6E6F-744E-656564454649",
  boot: "0FC63DAF-8483-4772-8E79-3D69D8477DE4",
  root: "0FC63DAF-8483-4772-8E79-3D69D8477DE4",
};

const mebibyte = 2 ** 20;
/** Space reserved at both ends: the partition tables, and alignment to a mebibyte. */
const marginMiB = 1;
/** GRUB's core.img is some 100 KiB. */
const biosBootMiB = 1;

/** The inputs of `planLayout`. */
export type LayoutInput = {
  readonly disk: { readonly path: string; readonly sizeBytes: number };
  readonly sectorBytes: number;
  readonly firmware: Firmware;
  readonly espMiB: number;
  readonly bootMiB: number;
};

/** The partitions of a root disk: loader, kernels, and the rest of the disk for the root; all aligned to a mebibyte. */
export function planLayout(input: LayoutInput, random: Random): Layout {
  const totalMiB = Math.floor(input.disk.sizeBytes / mebibyte);
  const loaderMiB = input.firmware === "uefi" ? input.espMiB : biosBootMiB;
  const rootMiB = totalMiB - 2 * marginMiB - loaderMiB - input.bootMiB;
  const sizes: readonly (readonly [use: PartitionUse, mebibytes: number])[] = [
    [input.firmware === "uefi" ? "esp" : "biosBoot", loaderMiB],
    ["boot", input.bootMiB],
    ["root", rootMiB],
  ];
  const sectorsPerMiB = mebibyte / input.sectorBytes;
  let nextMiB = marginMiB;
  const partitions = sizes.map(([use, mebibytes]) => {
    const firstSector = nextMiB * sectorsPerMiB;
    nextMiB += mebibytes;
    const number = partitionNumbers[use];
    return {
      use,
      number,
      path: partitionPath(input.disk.path, number),
      uuid: uuidFrom(random.bytes(16)),
      firstSector,
      sectorCount: mebibytes * sectorsPerMiB,
    };
  });
  return { disk: input.disk.path, diskUuid: uuidFrom(random.bytes(16)), sectorBytes: input.sectorBytes, partitions };
}

/** The partition of a layout for one of the uses; throws if there is none, which is a bug. */
export function partitionFor(layout: Layout, ...uses: readonly PartitionUse[]): Partition {
  const found = layout.partitions.find((partition) => uses.includes(partition.use));
  if (found === undefined) throw new Error(`the layout of ${layout.disk} has no partition for ${uses.join(" or ")}`);
  return found;
}

/** The input of sfdisk(8) that creates this layout. */
export function sfdiskScript(layout: Layout): string {
  const lines = [
    "label: gpt",
    `label-id: ${layout.diskUuid}`,
    "unit: sectors",
    `sector-size: ${layout.sectorBytes}`,
    "",
    ...layout.partitions.map((partition) =>
      [
        `start=${partition.firstSector}`,
        `size=${partition.sectorCount}`,
        `type=${partitionTypes[partition.use]}`,
        `uuid=${partition.uuid}`,
        `name="birther-${partition.use}"`,
      ].join(", "),
    ),
  ];
  return `${lines.join("\n")}\n`;
}

/** Linux puts a `p` between a disk's name and the number when the name ends in a digit (block/partitions/core.c). */
export function partitionPath(disk: string, number: number): string {
  return /\d$/.test(disk) ? `${disk}p${number}` : `${disk}${number}`;
}

/** A random (version 4) UUID of 16 random bytes (RFC 9562 §5.4). */
export function uuidFrom(bytes: Uint8Array): string {
  const marked = Uint8Array.from(bytes);
  marked[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  marked[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return hexFromBytes(marked).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
