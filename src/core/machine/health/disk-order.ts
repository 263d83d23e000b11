import { describeBiosDrive, firstBiosDrive } from "../../hardware/bios-drives.ts";
import { describeDisk } from "../../hardware/disk-identity.ts";
import type { MachineIn } from "../record.ts";

/**
 * A clause for a machine whose disk does not boot: on BIOS the firmware may start another disk than the root disk, or the old
 * system on one. Empty where the order of the disks cannot be the cause.
 */
export function diskOrderHint({ firmware, storage }: Pick<MachineIn<"healthy">, "firmware" | "storage">): string {
  const { rootDisk, disks = [] } = storage;
  if (firmware !== "bios" || disks.length < 2 || rootDisk.biosDrive === firstBiosDrive) return "";
  const number = rootDisk.biosDrive === undefined ? "" : `${describeBiosDrive(rootDisk.biosDrive)}, `;
  return (
    `; it has ${disks.length} disks: its root disk (${number}${describeDisk(rootDisk)}) ` +
    "is not known to be the first in the disk order of its firmware; put it first there"
  );
}
