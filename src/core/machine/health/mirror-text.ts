import { describeDisk } from "../../hardware/disk-identity.ts";
import type { MirrorState, StorageReport } from "../storage.ts";

/** What is wrong with a mirrored root, such as `degraded: without /dev/sdb (serial S2, 20480 MiB)`, or that it is whole. */
export function describeMirror(
  { missing }: MirrorState,
  { rootDisk, mirrorDisk }: Pick<StorageReport, "rootDisk" | "mirrorDisk">,
): string {
  const disks = missing.flatMap((name) => (name === "rootDisk" ? rootDisk : mirrorDisk) ?? []);
  if (disks.length === 0) return "whole: both disks hold the same";
  return `degraded: without ${disks.map((disk) => `${disk.path} (${describeDisk(disk)})`).join(" and ")}`;
}

/** The same for machines of a fleet, whose disks differ. */
export function describeMissing({ missing }: MirrorState): string {
  const disks = missing.map((name) => (name === "rootDisk" ? "its root disk" : "its second disk"));
  return `its mirrored root works without ${disks.join(" and ")}`;
}

/** What an operator does about a degraded mirror. */
export const mirrorAdvice =
  "the machine works with the other disk, and takes this one back by itself if it was only away; if it is broken, replace it by an empty one: then birther rebirth NAME makes the mirror anew, and loses what is on the machine (birther log NAME says if a disk that is back was not taken)";
