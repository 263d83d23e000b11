import type { StoragePolicy } from "../install/storage-policy.ts";
import type { Disk } from "./hardware.ts";

export type RootDiskChoice =
  | { readonly kind: "chosen"; readonly disk: Disk; readonly why: string }
  | { readonly kind: "refused"; readonly reason: string };

/** Less than this is no root file-system for a Debian with a kernel. */
const leastRootMiB = 512;

/** Buses whose disks a person may have plugged in for a moment; never a place for the system. */
const passingBuses: readonly string[] = ["usb"];

/** What is recorded of the root disk of an earlier birth; an empty text is not known. */
export type RecordedDisk = { readonly serial: string; readonly wwn?: string };

/** Whether a disk stays in the machine. */
export function isFixed(disk: Disk): boolean {
  return !disk.removable && !passingBuses.includes(disk.bus);
}

/** Whether this is the recorded disk: by all that is recorded of it. */
export function isRecorded(disk: Disk, { serial, wwn = "" }: RecordedDisk): boolean {
  if (serial === "" && wwn === "") return false;
  return (wwn === "" || disk.wwn === wwn) && (serial === "" || disk.serial === serial);
}

/** The recorded disk, if anything is recorded by which it can be told from others. */
export function recognizable(recorded: RecordedDisk | undefined): RecordedDisk | undefined {
  return recorded === undefined || (recorded.serial === "" && (recorded.wwn ?? "") === "") ? undefined : recorded;
}

/**
 * The disk that the system goes to. A machine that was born before keeps its root disk, whatever the rules say today:
 * the others may hold data. Else: not removable, not on USB, big enough; solid state before rotating, then the
 * smallest, so that large disks stay free for data; ties by WWN and serial, which unlike `/dev` names are the same at
 * every boot.
 */
export function chooseRootDisk(
  disks: readonly Disk[],
  policy: StoragePolicy,
  recorded?: RecordedDisk | undefined,
): RootDiskChoice {
  const known = recognizable(recorded);
  if (known === undefined) return chooseAnew(disks, policy);
  const neededMiB = Math.max(policy.minRootDiskMiB, policy.espMiB + policy.bootMiB + leastRootMiB);
  const [disk] = disks.filter((each) => isRecorded(each, known)).sort(byFitness);
  const name = nameOf(known);
  if (disk === undefined) {
    const choice = chooseAnew(disks, policy);
    const gone = `the root disk on record (${name}) is not there`;
    return choice.kind === "chosen"
      ? { ...choice, why: `${gone}; ${choice.why}` }
      : { ...choice, reason: `${gone}; ${choice.reason}` };
  }
  if (mebibytes(disk) < neededMiB) {
    const reason = `the root disk on record (${name}), ${disk.path}, has ${mebibytes(disk)} MiB, ${neededMiB} MiB are needed`;
    return { kind: "refused", reason };
  }
  return { kind: "chosen", disk, why: `the root disk on record (${name}): ${mebibytes(disk)} MiB` };
}

/**
 * Why `path` is not the disk that was chosen, by what the kernel shows there now; undefined if it is. Names like
 * `/dev/sda` are given anew when a controller resets or a disk comes back.
 */
export function otherDiskReason(chosen: DiskIdentity, now: readonly Disk[]): string | undefined {
  const found = now.find((disk) => disk.path === chosen.path);
  if (found === undefined) return `${chosen.path}, the root disk, is gone`;
  const same = found.serial === chosen.serial && found.wwn === chosen.wwn && found.sizeBytes === chosen.sizeBytes;
  return same ? undefined : `${chosen.path} is another disk now: ${described(found)}, chosen was ${described(chosen)}`;
}

/** What tells a disk from all others, and the path under which it was. */
export type DiskIdentity = Pick<Disk, "path" | "serial" | "wwn" | "sizeBytes">;

function described(disk: DiskIdentity): string {
  return `${nameOf(disk)}, ${mebibytes(disk)} MiB`;
}

function nameOf({ serial, wwn = "" }: RecordedDisk): string {
  return serial !== "" ? `serial ${serial}` : wwn !== "" ? `WWN ${wwn}` : "without serial";
}

function chooseAnew(disks: readonly Disk[], policy: StoragePolicy): RootDiskChoice {
  const neededMiB = Math.max(policy.minRootDiskMiB, policy.espMiB + policy.bootMiB + leastRootMiB);
  const fixed = disks.filter(isFixed);
  if (fixed.length === 0) {
    const others = disks.length === 0 ? "" : ` (removable or USB: ${disks.map((disk) => disk.path).join(", ")})`;
    return { kind: "refused", reason: `there is no disk in this machine${others}` };
  }
  const large = fixed.filter((disk) => disk.sizeBytes >= neededMiB * 2 ** 20);
  const [best, ...rest] = [...large].sort(byFitness);
  if (best === undefined) {
    const sizes = fixed.map((disk) => `${disk.path} ${mebibytes(disk)} MiB`).join(", ");
    return { kind: "refused", reason: `no disk is large enough: ${neededMiB} MiB are needed, found ${sizes}` };
  }
  const sort = best.rotational ? "rotating" : "solid state";
  const among = rest.length === 0 ? "the only fitting disk" : `the smallest ${sort} disk of ${large.length} that fit`;
  return { kind: "chosen", disk: best, why: `${among}: ${mebibytes(best)} MiB, ${neededMiB} MiB needed` };
}

function byFitness(left: Disk, right: Disk): number {
  return (
    Number(left.rotational) - Number(right.rotational) ||
    left.sizeBytes - right.sizeBytes ||
    compareText(left.wwn, right.wwn) ||
    compareText(left.serial, right.serial) ||
    compareText(left.path, right.path)
  );
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function mebibytes(disk: { readonly sizeBytes: number }): number {
  return Math.floor(disk.sizeBytes / 2 ** 20);
}
