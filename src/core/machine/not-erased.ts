import type { Disk } from "../hardware/hardware.ts";
import type { Machine } from "./record.ts";

/**
 * The fixed disks that no birth, rebirth or clean has touched: all but the root disk, which is known by its serial number
 * where it has one, for paths change from boot to boot.
 */
export function disksNotErased({ hardware, storage }: Pick<Machine, "hardware" | "storage">): readonly Disk[] {
  if (hardware === undefined || storage === undefined) return [];
  const { path, serial } = storage.rootDisk;
  return hardware.disks.filter(
    (disk) => !disk.removable && !(serial === "" ? disk.path === path : disk.serial === serial),
  );
}

/** What a clean would leave readable on a machine, one clause each; empty where dropping the key erases all there is. */
export function whatCleanLeaves(machine: Pick<Machine, "hardware" | "storage">): readonly string[] {
  const { storage } = machine;
  if (storage === undefined) return [];
  const plain = storage.encryption.kind === "none";
  const disks = disksNotErased(machine).map(({ path, serial }) => (serial === "" ? path : `${path} (${serial})`));
  return [
    ...(plain
      ? [`root disk ${storage.rootDisk.path} is not encrypted: its old data stays readable below the new file-systems`]
      : []),
    ...(disks.length === 0 ? [] : [`not touched: ${disks.join(", ")}`]),
  ];
}
