import type { Disk } from "./hardware.ts";
import { isPlaceholder } from "./placeholders.ts";

/** Names that no two disks in the world share (naa: IEEE, T10 SPC-5 §6.7; eui and uuid: NVM Express §4.5.1). */
const worldwide = /^(naa\.|eui\.|uuid\.|0x)/i;

/**
 * The disks of a machine, each once: a disk with two ports or behind two controllers is shown once per path, by the kernel's
 * first name, with the others in `otherPaths`.
 */
export function eachDiskOnce(shown: readonly Disk[]): readonly Disk[] {
  const disks: Disk[] = [];
  for (const disk of shown) {
    const at = disks.findIndex((before) => isSamePart(before, disk));
    const before = disks[at];
    if (before === undefined) disks.push(disk);
    else disks[at] = { ...before, otherPaths: [...(before.otherPaths ?? []), disk.path] };
  }
  return disks;
}

/**
 * Whether both are paths to one disk: the same WWN, serial number, model and size. Without a WWN that is unique in the world,
 * only if the bus allows several paths at all and they end at one unit number of different targets: the disks of an array may share a
 * serial number, and cheap ones have that of their model.
 */
function isSamePart(one: Disk, other: Disk): boolean {
  if (one.sizeBytes !== other.sizeBytes || one.serial !== other.serial || one.model !== other.model) return false;
  if (one.bus !== other.bus || one.wwn !== other.wwn) return false;
  if (worldwide.test(one.wwn)) return !isPlaceholder(one.wwn.replace(worldwide, ""));
  if (one.bus !== "scsi" || one.transport === "virtio" || one.model === "" || isPlaceholder(one.serial)) return false;
  const [left, right] = [scsiAddressOf(one), scsiAddressOf(other)];
  return left !== undefined && right !== undefined && left.unit === right.unit && left.target !== right.target;
}

/** The target and unit number of a SCSI disk, from the end of its device path: `…/target0:0:3/0:0:3:1`. */
function scsiAddressOf({ devicePath = "" }: Disk): { readonly target: string; readonly unit: string } | undefined {
  const [, target, unit] = /\/(\d+:\d+:\d+):(\d+)$/.exec(devicePath) ?? [];
  return target === undefined || unit === undefined ? undefined : { target, unit };
}
