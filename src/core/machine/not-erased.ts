import { describeDisk, findRecorded } from "../hardware/disk-identity.ts";
import type { Disk } from "../hardware/hardware.ts";
import type { Machine } from "./record.ts";

/**
 * The disks that no birth, rebirth or clean has touched: all but the root disk, which is recognised by serial number and
 * WWN, and by path and size where these do not decide. Where it cannot be recognised, every disk counts as not erased.
 */
export function disksNotErased({ hardware, storage }: Pick<Machine, "hardware" | "storage">): readonly Disk[] {
  if (hardware === undefined || storage === undefined) return [];
  const root = findRecorded(hardware.disks, storage.rootDisk);
  return root.kind === "found" ? hardware.disks.filter((disk) => disk !== root.disk) : hardware.disks;
}

/** A disk that was not erased, by path, serial number and WWN. */
export function describeNotErased(disk: Disk): string {
  return `${disk.path} (${describeDisk(disk)})`;
}

/** What a clean would leave readable on a machine, one clause each; empty where dropping the key erases everything. */
export function whatCleanLeaves(machine: Pick<Machine, "hardware" | "storage">): readonly string[] {
  const { storage } = machine;
  if (storage === undefined) return [];
  const plain = storage.encryption.kind === "none";
  const disks = disksNotErased(machine).map(describeNotErased);
  return [
    ...(plain
      ? [`root disk ${storage.rootDisk.path} is not encrypted: its old data stays readable below the new file systems`]
      : []),
    ...(disks.length === 0 ? [] : [`not touched: ${disks.join("; ")}`]),
  ];
}
