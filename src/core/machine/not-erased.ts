import { describeDisk, findRecorded } from "../hardware/disk-identity.ts";
import type { Disk } from "../hardware/hardware.ts";
import type { Machine } from "./record.ts";

/**
 * The disks that no birth, rebirth or clean has touched: all except the root disk, which is recognised by serial number and
 * WWN, or by path and size if these do not decide. If it cannot be recognised, every disk counts as not erased.
 */
export function disksNotErased({ hardware, storage }: Pick<Machine, "hardware" | "storage">): readonly Disk[] {
  if (hardware === undefined || storage === undefined) return [];
  const root = findRecorded(hardware.disks, storage.rootDisk, storage.disks);
  return root.kind === "found" ? hardware.disks.filter((disk) => disk !== root.disk) : hardware.disks;
}

/** A disk that was not erased, by path, serial number and WWN. */
export function describeNotErased(disk: Disk): string {
  return `${disk.path} (${describeDisk(disk)})`;
}

/** The data that a clean leaves readable on a machine, one clause per item; empty if discarding the key erases everything. */
export function whatCleanLeaves(machine: Pick<Machine, "hardware" | "storage">): readonly string[] {
  const { storage } = machine;
  if (storage === undefined) return [];
  const plain = storage.encryption.kind === "none";
  const disks = disksNotErased(machine).map(describeNotErased);
  return [
    ...(plain
      ? [
          `root disk ${storage.rootDisk.path} is not encrypted: old data stays readable until the new file systems overwrite it`,
        ]
      : []),
    ...(disks.length === 0 ? [] : [`not touched: ${disks.join("; ")}`]),
  ];
}
