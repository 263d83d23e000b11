import type { EraseWish } from "../erasure/erase-wish.ts";
import {
  type DiskIdentity,
  describeDisk,
  findRecorded,
  identityOf,
  isSameDisk,
  type RecordedDisk,
} from "../hardware/disk-identity.ts";
import type { Disk } from "../hardware/hardware.ts";
import { isFixed, whyNotFixed } from "../hardware/suitable-disk.ts";
import type { Machine } from "./record.ts";

type Known = Pick<Machine, "hardware" | "storage">;

/**
 * The disks that no birth, rebirth or clean has touched: all except the root disk and data disks, which are recognised by serial
 * number and WWN, or by path and size if these do not decide. If the root disk cannot be recognised, every disk counts as not erased.
 */
export function disksNotErased(machine: Known): readonly Disk[] {
  const data = dataDisks(machine);
  return besideRoot(machine).filter((disk) => !data.includes(disk));
}

/** All disks but the root disk, or all if it cannot be recognised. */
function besideRoot({ hardware, storage }: Known): readonly Disk[] {
  if (hardware === undefined || storage === undefined) return [];
  const [root] = findOn(hardware.disks, storage.rootDisk, storage.disks);
  return hardware.disks.filter((disk) => disk !== root);
}

/** The data disks of its last birth, and the second disk of a mirrored root. */
function dataDisks({ hardware, storage }: Known): readonly Disk[] {
  const { rootDisk, disks, volumes = [], mirrorDisk } = storage ?? {};
  if (hardware === undefined || rootDisk === undefined) return [];
  const [root] = findOn(hardware.disks, rootDisk, disks);
  if (root === undefined) return [];
  const recorded = [...(mirrorDisk === undefined ? [] : [mirrorDisk]), ...volumes.map(({ disk }) => disk)];
  return recorded.flatMap((disk) => findOn(hardware.disks, disk, disks)).filter((disk) => disk !== root);
}

function findOn(now: readonly Disk[], recorded: RecordedDisk, then: readonly DiskIdentity[] = []): readonly Disk[] {
  const search = findRecorded(now, recorded, then);
  return search.kind === "found" ? [search.disk] : [];
}

function plainDataDisks({ rootDisk, volumes = [], mirrorDisk }: NonNullable<Machine["storage"]>): readonly string[] {
  const disks = [...volumes.map(({ disk }) => disk), ...(mirrorDisk === undefined ? [] : [mirrorDisk])];
  const paths = disks.map(({ path }) => path).filter((path) => path !== rootDisk.path);
  return [...new Set(paths)];
}

/** A disk that was not erased, by path, serial number and WWN. */
export function describeNotErased(disk: Disk): string {
  return `${disk.path} (${describeDisk(disk)})`;
}

/**
 * What a clean of all disks erases beside the root disk: the fixed disks of the record. Never one on a storage network, removable
 * media or virtual media.
 */
export function otherDisks(machine: Known): NonNullable<EraseWish["disks"]> {
  return besideRoot(machine).filter(isFixed).map(identityOf);
}

/** The data that a clean leaves readable on a machine, one clause per item; empty if discarding the key erases everything. */
export function whatCleanLeaves(machine: Known, wish: EraseWish = {}): readonly string[] {
  const { storage } = machine;
  if (storage === undefined) return [];
  const isPlain = storage.encryption.kind === "none" && wish.sanitize !== "require";
  const unless = wish.sanitize === "whereOffered" ? ", unless the disk erases itself" : "";
  const left = disksNotErased(machine).filter((disk) => !isWanted(wish, disk));
  return [
    ...(isPlain
      ? [
          `root disk ${storage.rootDisk.path} is not encrypted: old data stays readable until the new file systems overwrite it${unless}`,
          ...plainDataDisks(storage).map(
            (path) =>
              `data disk ${path} is not encrypted: old data stays readable until new data overwrites it${unless}`,
          ),
        ]
      : []),
    ...(left.length === 0 ? [] : [`not touched: ${left.map((disk) => withReason(disk, wish)).join("; ")}`]),
  ];
}

/** What a clean destroys, one disk per item, with what the last scan found on those beside the root disk. */
export function whatCleanErases(machine: Known, wish: EraseWish): readonly string[] {
  const { hardware, storage } = machine;
  if (storage === undefined) return [];
  const root = `root disk ${storage.rootDisk.path} (${describeDisk(storage.rootDisk)})`;
  const data = dataDisks(machine);
  const others = (hardware?.disks ?? []).filter((disk) => data.includes(disk) || isWanted(wish, disk));
  return [root, ...others.map(withContents)];
}

function isWanted({ disks = [] }: EraseWish, disk: Disk): boolean {
  return disks.some((wanted) => isSameDisk(wanted, disk));
}

function withContents(disk: Disk): string {
  const { contents } = disk;
  const held =
    contents === undefined
      ? ""
      : `, held ${contents.length === 0 ? "nothing known" : contents.join(", ")} at its last scan`;
  return `disk ${describeNotErased(disk)}${held}`;
}

function withReason(disk: Disk, { disks }: EraseWish): string {
  const why = disks === undefined ? undefined : whyNotFixed(disk);
  return `${describeNotErased(disk)}${why === undefined ? "" : `, which is ${why}`}`;
}
