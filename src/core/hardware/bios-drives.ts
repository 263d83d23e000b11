import type { Tree } from "./system-tree.ts";

/** The number of the disk that a BIOS starts first. */
export const firstBiosDrive = 0x80;

type SizedDisk = { readonly path: string; readonly sizeBytes: number };

const eddDirectory = "/sys/firmware/edd";
/** Offset of the 16-bit sector size in the parameters of INT 13h, function 48h (T13 EDD-4 §6.15). */
const sectorBytesAt = 24;

/**
 * The BIOS drive numbers of disks by their paths, from what the kernel asked the BIOS at its start (drivers/firmware/edd.c). A
 * drive is the disk of its size behind its PCI device. Equal disks behind one controller are numbered in the order of their
 * places, which is the order in which a BIOS finds them. A drive that fits no disk, or a different number of them, is left out.
 */
export function biosDriveNumbers(tree: Tree, disks: readonly SizedDisk[]): ReadonlyMap<string, number> {
  const groups = new Map<string, { drives: number[]; disks: readonly SizedDisk[] }>();
  for (const name of tree.list(eddDirectory)) {
    const drive = Number.parseInt(/^int13_dev([0-9a-f]{2})$/.exec(name)?.[1] ?? "", 16);
    if (Number.isNaN(drive) || drive < firstBiosDrive) continue;
    const own = `${eddDirectory}/${name}`;
    const sizeBytes = Number(tree.text(`${own}/sectors`).trim()) * sectorBytes(tree.text(`${own}/raw_data`));
    const device = tree.target(`${own}/pci_dev`);
    const fitting = disks.filter(
      (disk) => disk.sizeBytes === sizeBytes && (device === "" || targetOf(tree, disk).startsWith(`${device}/`)),
    );
    const key = fitting.map(({ path }) => path).join(" ");
    const group = groups.get(key) ?? { drives: [], disks: fitting };
    group.drives.push(drive);
    groups.set(key, group);
  }
  return new Map(
    [...groups.values()].flatMap(({ drives, disks: fitting }) =>
      drives.length === fitting.length ? pair(drives, [...fitting].sort(byPlace(tree))) : [],
    ),
  );
}

/** A drive in words: `BIOS drive 0x80`. */
export function describeBiosDrive(drive: number): string {
  return `BIOS drive 0x${drive.toString(16)}`;
}

function pair(drives: readonly number[], disks: readonly SizedDisk[]): readonly (readonly [string, number])[] {
  const ascending = [...drives].sort((left, right) => left - right);
  return disks.flatMap(({ path }, index) => {
    const drive = ascending[index];
    return drive === undefined ? [] : [[path, drive] as const];
  });
}

/** By the place in the machine; numbers count as numbers, so that ata10 comes after ata9. */
function byPlace(tree: Tree) {
  const place = (disk: SizedDisk) => targetOf(tree, disk).replace(/\d+/g, (digits) => digits.padStart(8, "0"));
  return (left: SizedDisk, right: SizedDisk) => (place(left) < place(right) ? -1 : 1);
}

function targetOf(tree: Tree, { path }: SizedDisk): string {
  return tree.target(path.replace(/^\/dev\//, "/sys/block/"));
}

function sectorBytes(rawData: string): number {
  const bytes = rawData.charCodeAt(sectorBytesAt) + 256 * rawData.charCodeAt(sectorBytesAt + 1);
  return bytes > 0 ? bytes : 512;
}
