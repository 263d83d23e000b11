import type { Disk } from "./hardware.ts";
import { isPlaceholder } from "./placeholders.ts";

/**
 * What distinguishes a disk from all others, and the path under which the kernel showed it. Empty texts are unknown.
 */
export type DiskIdentity = Pick<Disk, "path" | "serial" | "wwn" | "sizeBytes">;

/** A disk as an earlier birth recorded it. Records of older versions lack path and size. */
export type RecordedDisk = {
  readonly serial: string;
  readonly wwn?: string;
  readonly path?: string;
  readonly sizeBytes?: number;
};

/**
 * How a disk is found again at a later boot. `identity`: its serial number and WWN, which no other disk of the machine
 * shares. `pathAndSize`: it has neither, or another disk has the same; the path may lead elsewhere at the next boot.
 */
export type Recognition = { readonly kind: "identity" } | { readonly kind: "pathAndSize"; readonly why: string };

/** Outcome of the search for a recorded disk. */
export type RecordedSearch<D extends DiskIdentity> =
  | { readonly kind: "found"; readonly disk: D }
  | { readonly kind: "missing" }
  /** These disks fit what is recorded, of `alikeThen` that did then; neither path nor size decides between them. */
  | { readonly kind: "ambiguous"; readonly disks: readonly D[]; readonly alikeThen: number };

/** Only the identity, without the other facts about a disk. */
export function identityOf({ path, serial, wwn, sizeBytes }: DiskIdentity): DiskIdentity {
  return { path, serial, wwn, sizeBytes };
}

/** How one of these disks can be recognised later. */
export function recognitionOf(disk: DiskIdentity, disks: readonly DiskIdentity[]): Recognition {
  if (!isNamed(disk)) return { kind: "pathAndSize", why: "it has neither serial number nor WWN of its own" };
  const twin = disks.find((other) => other.path !== disk.path && sharesIdentity(other, disk));
  return twin === undefined
    ? { kind: "identity" }
    : {
        kind: "pathAndSize",
        why: `${twin.path} has the same ${disk.wwn === "" ? "serial number" : "serial number and WWN"}`,
      };
}

/** Whether both are the same disk, by serial number and WWN, or by path and size if these are missing. */
export function isSameDisk(one: DiskIdentity, other: DiskIdentity): boolean {
  if (!sharesIdentity(one, other)) return false;
  return isNamed(one) || (one.path === other.path && one.sizeBytes === other.sizeBytes);
}

/**
 * The recorded disk among those of today: by serial number and WWN, and by size and path where these do not decide. A path
 * says nothing once disks have come or gone, because the kernel counts those that it finds: if other disks of that time
 * (`knownDisks`) were like it, all disks must be where they were, and a new one like it makes the record ambiguous.
 */
export function findRecorded<D extends DiskIdentity & Pick<Disk, "otherPaths">>(
  disks: readonly D[],
  recorded: RecordedDisk,
  knownDisks: readonly DiskIdentity[] = [],
): RecordedSearch<D> {
  const { path, sizeBytes } = recorded;
  const named = disks.filter((disk) => hasNamesOf(disk, recorded));
  const namedThen = knownDisks.filter((disk) => hasNamesOf(disk, recorded));
  const [only] = named;
  if (isNamed(recorded) && only !== undefined && named.length === 1 && isOneDisk(only, namedThen, path))
    return { kind: "found", disk: only };
  const isAlike = (disk: DiskIdentity) => sizeBytes === undefined || disk.sizeBytes === sizeBytes;
  const alike = named.filter(isAlike);
  const alikeThen = namedThen.filter(isAlike).length;
  const [first] = alike;
  if (first === undefined) return { kind: "missing" };
  if (alikeThen > 0 && alike.length !== alikeThen) return { kind: "ambiguous", disks: alike, alikeThen };
  if (isNamed(recorded) && alike.length === 1 && alikeThen === 1) return { kind: "found", disk: first };
  const [there, ...more] = path === undefined ? [] : alike.filter((disk) => disk.path === path);
  if (alikeThen > 1 && !knownDisks.every((known) => isInPlace(known, disks)))
    return { kind: "ambiguous", disks: alike, alikeThen };
  if (there !== undefined && more.length === 0) return { kind: "found", disk: there };
  return isNamed(recorded) ? { kind: "ambiguous", disks: alike, alikeThen: alike.length } : { kind: "missing" };
}

/** Whether the disks of that time are this one, which older versions listed once per path. */
function isOneDisk(
  disk: Pick<Disk, "path" | "otherPaths">,
  then: readonly DiskIdentity[],
  recordedPath: string | undefined,
): boolean {
  if (then.length <= 1) return true;
  const paths = [disk.path, ...(disk.otherPaths ?? [])];
  return disk.path === recordedPath && then.every(({ path }) => paths.includes(path));
}

/** Whether a disk has the recorded serial number and WWN; without both, whether it has none either. */
function hasNamesOf(disk: DiskIdentity, recorded: RecordedDisk): boolean {
  const { serial, wwn } = namesOf(recorded);
  if (!isNamed(recorded)) return !isNamed(disk);
  const names = namesOf(disk);
  return (wwn === "" || names.wwn === wwn) && (serial === "" || names.serial === serial);
}

function isInPlace(known: DiskIdentity, disks: readonly DiskIdentity[]): boolean {
  return disks.some(
    (disk) => disk.path === known.path && disk.sizeBytes === known.sizeBytes && sharesIdentity(disk, known),
  );
}

type DiskNames = { readonly serial: string; readonly wwn?: string | undefined };

/** The names of a disk that tell it from others; empty for unknown ones, and for what its vendor left in place of one. */
function namesOf({ serial, wwn = "" }: DiskNames): { readonly serial: string; readonly wwn: string } {
  // naa.5000…, eui.0025…, 0x5000…: the prefix is no part of the number.
  const isNoWwn = isPlaceholder(wwn.replace(/^(naa|eui|nvme|t10|uuid)\.|^0x/, ""));
  return { serial: isPlaceholder(serial) ? "" : serial, wwn: isNoWwn ? "" : wwn };
}

function isNamed(disk: DiskNames): boolean {
  const { serial, wwn } = namesOf(disk);
  return serial !== "" || wwn !== "";
}

/** Whether the record is sufficient to recognise the disk. */
export function isRecognisable({ serial, wwn = "", path }: RecordedDisk): boolean {
  // Even a placeholder says that there was a disk, which must not be replaced by any other.
  return serial !== "" || wwn !== "" || path !== undefined;
}

/** A disk in words, for messages and records: `serial S1, WWN w1, 20480 MiB`. */
export function describeDisk({ serial, wwn = "", sizeBytes, path }: RecordedDisk): string {
  const names = [...(serial === "" ? [] : [`serial ${serial}`]), ...(wwn === "" ? [] : [`WWN ${wwn}`])];
  const name =
    names.length > 0 ? names : ["without serial number and WWN", ...(path === undefined ? [] : [`at ${path}`])];
  return [...name, ...(sizeBytes === undefined ? [] : [`${mebibytes(sizeBytes)} MiB`])].join(", ");
}

/** Whole mebibytes of a size in bytes. */
export function mebibytes(sizeBytes: number): number {
  return Math.floor(sizeBytes / 2 ** 20);
}

function sharesIdentity(one: DiskIdentity, other: DiskIdentity): boolean {
  const [left, right] = [namesOf(one), namesOf(other)];
  return left.serial === right.serial && left.wwn === right.wwn;
}
