import type { Firmware } from "../machine/record.ts";
import type { Disk } from "./hardware.ts";

/** What a device that is no disk of the machine is, by its bus. */
const otherBuses: { readonly [bus: string]: string } = {
  usb: "on USB",
  sd: "an SD card",
  pmem: "persistent memory",
};

/** The same by its transport: a storage network's disks may belong to other machines, too. */
const otherTransports: { readonly [transport: string]: string } = {
  firewire: "on FireWire",
  fc: "on a storage network (Fibre Channel)",
  iscsi: "on a storage network (iSCSI)",
  srp: "on a storage network (SRP)",
  virtual: "a device without hardware",
};

/** Why a disk is none that stays in the machine and belongs to it alone; undefined if it does. The system never goes there. */
export function whyNotFixed({
  removable,
  bus,
  transport = "",
  virtualMedia,
}: Pick<Disk, "removable" | "bus" | "transport" | "virtualMedia">): string | undefined {
  if (virtualMedia === true) return "virtual media of a management controller";
  if (transport.startsWith("nvme-")) return `on a storage network (NVMe over ${transport.slice("nvme-".length)})`;
  return otherBuses[bus] ?? otherTransports[transport] ?? (removable ? "removable" : undefined);
}

/** Whether a disk stays in the machine and belongs to it alone. */
export function isFixed(disk: Parameters<typeof whyNotFixed>[0]): boolean {
  return whyNotFixed(disk) === undefined;
}

/**
 * Why this firmware cannot start a disk; undefined if it can. A BIOS reads sectors of 512 bytes only, as does GRUB on it, and
 * starts only drives that it lists: it may know nothing of NVMe, or the controller's option ROM is disabled. A UEFI firmware starts
 * only disks that it has a driver for; where nobody asked it, it counts as having one.
 */
export function whyNotStarted(
  { path, sectorBytes = 512, ...disk }: Pick<Disk, "path" | "sectorBytes" | "unlistedByBios" | "unseenByUefi">,
  { firmware }: { readonly firmware: Firmware | undefined },
): string | undefined {
  const { unlistedByBios, unseenByUefi } = disk;
  if (firmware === "uefi" && unseenByUefi === true)
    return `${path} cannot be started by this UEFI firmware, which has no driver for its controller: enable the controller's option ROM in the firmware's setup, or take a disk of another controller`;
  if (firmware !== "bios") return undefined;
  if (unlistedByBios === true)
    return `${path} cannot be started by this BIOS, which lists other disks only: enable the option ROM of its controller, or switch the firmware to UEFI`;
  if (sectorBytes === 512) return undefined;
  return `${path} cannot be started by a BIOS: expected sectors of 512 bytes, found ${sectorBytes}; switch the firmware to UEFI`;
}
