import type { Tree } from "./system-tree.ts";

/** The number of the disk that a BIOS starts first. */
export const firstBiosDrive = 0x80;

type SizedDisk = { readonly path: string; readonly sizeBytes: number; readonly devicePath?: string };

const eddDirectory = "/sys/firmware/edd";
/** Offset of the 16-bit sector size in the parameters of INT 13h, function 48h (T13 EDD-4 §6.15). */
const sectorBytesAt = 24;

/** The kernel asks a BIOS about no more drives (EDDMAXNR in linux/edd.h), so others may exist beyond them. */
const askedDrives = 6;

/** What a BIOS says of disks, by their paths. */
export type BiosDrives = {
  readonly numbers: ReadonlyMap<string, number>;
  /** Disks that are surely none of its drives, so that it cannot start them. */
  readonly unlisted: ReadonlySet<string>;
};

/** A drive, the disks of its size behind its PCI device, and the signature in its boot sector such as `0x1a2b3c4d`. */
type Drive = { readonly number: number; readonly fitting: readonly SizedDisk[]; readonly signature: string };

/** The disk signature in the boot sector of a device (offset 440), as EDD writes it; empty if it cannot be read. */
export type SignatureOf = (path: string) => string;
const noSignature: SignatureOf = () => "";

/**
 * The BIOS drive numbers of disks, from what the kernel asked the BIOS at its start (drivers/firmware/edd.c). A drive is the
 * disk of its size behind its PCI device. Equal disks behind one controller are numbered in the order of their places, which
 * is the order in which a BIOS finds them, unless the signatures of their boot sectors tell them apart. A drive that fits no disk, or a different number of them, is left out. A disk is
 * unlisted only if every drive of a complete list fits other disks: otherwise it may be the drive that fits none.
 */
export function biosDrivesOf(
  tree: Tree,
  disks: readonly SizedDisk[],
  signatureOf: SignatureOf = noSignature,
): BiosDrives {
  const drives = bySignature(readDrives(tree, disks), signatureOf);
  const isComplete =
    drives.length > 0 && drives.length < askedDrives && drives.every(({ fitting }) => fitting.length > 0);
  const listed = new Set(drives.flatMap(({ fitting }) => fitting.map(({ path }) => path)));
  const others = disks.map(({ path }) => path).filter((path) => !listed.has(path));
  return { numbers: numbersOf(tree, drives), unlisted: new Set(isComplete ? others : []) };
}

function readDrives(tree: Tree, disks: readonly SizedDisk[]): readonly Drive[] {
  return tree.list(eddDirectory).flatMap((name) => {
    const number = Number.parseInt(/^int13_dev([0-9a-f]{2})$/.exec(name)?.[1] ?? "", 16);
    if (Number.isNaN(number) || number < firstBiosDrive) return [];
    const own = `${eddDirectory}/${name}`;
    const sizeBytes = Number(tree.text(`${own}/sectors`).trim()) * sectorBytes(tree.text(`${own}/raw_data`));
    const device = tree.target(`${own}/pci_dev`);
    const fitting = disks.filter(
      (disk) => disk.sizeBytes === sizeBytes && (device === "" || targetOf(tree, disk).startsWith(`${device}/`)),
    );
    return [{ number, fitting, signature: tree.text(`${own}/mbr_signature`).trim() }];
  });
}

/** Gives a drive its disk by signature where several fit; the disk then fits no other drive. An erased disk has signature 0. */
function bySignature(drives: readonly Drive[], signatureOf: SignatureOf): readonly Drive[] {
  const decided = new Map<Drive, SizedDisk>();
  for (const drive of drives) {
    const { fitting, signature } = drive;
    const isAlone = drives.every((other) => other === drive || other.signature !== signature);
    if (fitting.length < 2 || !isAlone || /^(0x0*)?$/.test(signature)) continue;
    const [only, ...others] = fitting.filter(({ path }) => signatureOf(path) === signature);
    if (only !== undefined && others.length === 0) decided.set(drive, only);
  }
  const taken = new Set(decided.values());
  return drives.map((drive) => {
    const own = decided.get(drive);
    return { ...drive, fitting: own === undefined ? drive.fitting.filter((disk) => !taken.has(disk)) : [own] };
  });
}

function numbersOf(tree: Tree, drives: readonly Drive[]): ReadonlyMap<string, number> {
  const groups = new Map<string, { numbers: number[]; disks: readonly SizedDisk[] }>();
  for (const { number, fitting } of drives) {
    const key = fitting.map(({ path }) => path).join(" ");
    const group = groups.get(key) ?? { numbers: [], disks: fitting };
    group.numbers.push(number);
    groups.set(key, group);
  }
  return new Map(
    [...groups.values()].flatMap(({ numbers, disks }) =>
      numbers.length === disks.length ? pair(numbers, [...disks].sort(byPlace(tree))) : [],
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

function targetOf(tree: Tree, { path, devicePath }: SizedDisk): string {
  if (devicePath !== undefined) return `/sys/devices/${devicePath}`;
  return tree.target(path.replace(/^\/dev\//, "/sys/block/"));
}

function sectorBytes(rawData: string): number {
  const bytes = rawData.charCodeAt(sectorBytesAt) + 256 * rawData.charCodeAt(sectorBytesAt + 1);
  return bytes > 0 ? bytes : 512;
}
