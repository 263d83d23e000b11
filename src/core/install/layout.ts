import { hexFromBytes } from "../bytes/text.ts";
import type { Firmware } from "../machine/record.ts";
import type { Random } from "../ports.ts";

/** The use of a partition. `loader` is the ESP, or on BIOS the partition that holds GRUB's core.img. */
export type PartitionUse = "esp" | "biosBoot" | "boot" | "root" | "volume";

export type Partition = {
  readonly use: PartitionUse;
  /** Of a volume: its name. */
  readonly name?: string;
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

/** The number of each partition in its table: a later boot finds it by this number. Volumes come after them. */
export const partitionNumbers: { readonly [Use in Exclude<PartitionUse, "volume">]: number } = {
  esp: 1,
  biosBoot: 1,
  boot: 2,
  root: 3,
};

/** GPT partition type GUIDs (UEFI 2.10 §5.3.3; GRUB manual "BIOS installation"; Linux Discoverable Partitions Specification). */
const partitionTypes: { readonly [Use in PartitionUse]: string } = {
  esp: "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
  biosBoot: "21686148-6449-6E6F-744E-656564454649",
  boot: "0FC63DAF-8483-4772-8E79-3D69D8477DE4",
  root: "0FC63DAF-8483-4772-8E79-3D69D8477DE4",
  // Also of swap: systemd would look for a plain one in a partition of that type (systemd-gpt-auto-generator(8)).
  volume: "0FC63DAF-8483-4772-8E79-3D69D8477DE4",
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
  /** Further partitions, after the root. */
  readonly extra?: readonly ExtraPartition[];
};

/** A partition beside those that every root disk has. */
export type ExtraPartition = { readonly name: string; readonly sizeMiB: number };

/** The partitions of a root disk: loader, kernels, the root, and volumes after it; all aligned to a mebibyte. The root gets what is left. */
export function planLayout(input: LayoutInput, random: Random): Layout {
  const totalMiB = Math.floor(input.disk.sizeBytes / mebibyte);
  const loaderMiB = input.firmware === "uefi" ? input.espMiB : biosBootMiB;
  const { extra = [] } = input;
  const extraMiB = extra.reduce((sum, { sizeMiB }) => sum + sizeMiB, 0);
  const rootMiB = totalMiB - 2 * marginMiB - loaderMiB - input.bootMiB - extraMiB;
  return layOut(
    input,
    [
      { use: input.firmware === "uefi" ? "esp" : "biosBoot", mebibytes: loaderMiB },
      { use: "boot", mebibytes: input.bootMiB },
      { use: "root", mebibytes: rootMiB },
      ...extra.map(({ name, sizeMiB }) => ({ use: "volume" as const, name, mebibytes: sizeMiB })),
    ],
    random,
  );
}

/** One partition that fills a data disk. */
export function planDataLayout(
  input: Pick<LayoutInput, "disk" | "sectorBytes"> & { readonly name: string },
  random: Random,
): Layout {
  const mebibytes = Math.floor(input.disk.sizeBytes / mebibyte) - 2 * marginMiB;
  return layOut(input, [{ use: "volume", name: input.name, mebibytes }], random);
}

function layOut(
  { disk, sectorBytes }: Pick<LayoutInput, "disk" | "sectorBytes">,
  sizes: readonly { readonly use: PartitionUse; readonly name?: string; readonly mebibytes: number }[],
  random: Random,
): Layout {
  const sectorsPerMiB = mebibyte / sectorBytes;
  let nextMiB = marginMiB;
  const partitions = sizes.map(({ use, name, mebibytes }, index) => {
    const firstSector = nextMiB * sectorsPerMiB;
    nextMiB += mebibytes;
    return {
      use,
      ...(name === undefined ? {} : { name }),
      number: index + 1,
      path: partitionPath(disk.path, index + 1),
      uuid: uuidFrom(random.bytes(16)),
      firstSector,
      sectorCount: mebibytes * sectorsPerMiB,
    };
  });
  return { disk: disk.path, diskUuid: uuidFrom(random.bytes(16)), sectorBytes, partitions };
}

/** The partition of a volume; throws if there is none, which is a bug. */
export function volumePartition(layout: Layout, name: string): Partition {
  const found = layout.partitions.find((partition) => partition.use === "volume" && partition.name === name);
  if (found === undefined) throw new Error(`the layout of ${layout.disk} has no partition for ${name}`);
  return found;
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
        `name="birther-${partition.name ?? partition.use}"`,
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
