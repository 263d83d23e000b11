import type { Disk } from "../machine/hardware.ts";
import type { StoragePolicy } from "./storage-policy.ts";

export type RootDiskChoice =
  | { readonly kind: "chosen"; readonly disk: Disk; readonly why: string }
  | { readonly kind: "refused"; readonly reason: string };

/** Less than this is no root file-system for a Debian with a kernel. */
const leastRootMiB = 512;

/** Buses whose disks a person may have plugged in for a moment; never a place for the system. */
const passingBuses: readonly string[] = ["usb"];

/**
 * The disk that the system goes to: not removable, not on USB, big enough; solid state before rotating, then the
 * smallest, so that large disks stay free for data; ties by WWN and serial, which unlike `/dev` names are the same at
 * every boot. So a rebirth chooses the disk that the birth chose.
 */
export function chooseRootDisk(disks: readonly Disk[], policy: StoragePolicy): RootDiskChoice {
  const neededMiB = Math.max(policy.minRootDiskMiB, policy.espMiB + policy.bootMiB + leastRootMiB);
  const fixed = disks.filter((disk) => !disk.removable && !passingBuses.includes(disk.bus));
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

function mebibytes(disk: Disk): number {
  return Math.floor(disk.sizeBytes / 2 ** 20);
}
