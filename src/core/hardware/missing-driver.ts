import { counted } from "../bytes/counted.ts";
import type { Hardware, PciDevice } from "./hardware.ts";
import { describeMissingFirmware } from "./missing-firmware.ts";

/** What PCI classes of interest are called (PCI Code and ID Assignment Specification §1.2, §1.3). */
const kinds = { "01": "storage controller", "02": "NIC" } as const;

/**
 * Why the kernel may show fewer disks or NICs than the machine has: controllers without a driver in the Bootstrap Image, disks
 * without a usable size, and network cards without firmware; one clause each.
 */
export function hiddenHardware(
  { pciDevices = [], sizelessDisks = [], missingFirmware = [] }: Hardware,
  kind: Kind,
): readonly string[] {
  const firmware = kind === "NIC" ? missingFirmware : [];
  const named = (address: string) => firmware.some(({ device }) => device.endsWith(` ${address}`));
  const drivers = [
    ...pciDevices
      .filter((device) => kindOf(device) === kind && device.driver === "" && !named(device.address))
      .map(({ id }) => `${kind} ${id} has no driver in the Bootstrap Image`),
    ...firmware.map(describeMissingFirmware),
  ];
  const count = sizelessDisks.length;
  if (count === 0 || kind !== "storage controller") return drivers;
  const disks = `${counted(count, "disk")} of no usable size (sector format?): ${sizelessDisks.join(", ")}`;
  return [...drivers, disks];
}

/** The controllers of a kind whose driver is bound, such as `1000:0054 (mptsas)`. */
export function boundControllers({ pciDevices = [] }: Hardware, kind: Kind): readonly string[] {
  return pciDevices
    .filter((device) => kindOf(device) === kind && device.driver !== "")
    .map(({ id, driver }) => `${id} (${driver})`);
}

type Kind = (typeof kinds)[keyof typeof kinds];

function kindOf(device: PciDevice): Kind | undefined {
  const prefix = device.class.slice(0, 2);
  return prefix === "01" || prefix === "02" ? kinds[prefix] : undefined;
}
