import type { Firmware } from "../core/machine/record.ts";
import type { Mac } from "../core/net/mac.ts";

/** How a disk is attached: the four families of server storage that both firmware kinds can boot from. */
export type DiskBus = "virtio" | "nvme" | "ahci" | "scsi";

/** Network cards by QEMU's device name. EDK2 in Debian's OVMF drives only `virtio-net-pci` by itself. */
export type NicModel = "virtio-net-pci" | "e1000e" | "vmxnet3";

export type DiskSpec = {
  readonly bus: DiskBus;
  readonly sizeMiB: number;
  /** At most 20 characters: what ATA and virtio can carry. */
  readonly serial: string;
};

/** What the switch says on a machine's port: the truth, nothing, or another place (for fault tests). */
export type PortVoice =
  | { readonly kind: "announced" }
  | { readonly kind: "silent" }
  | { readonly kind: "foreign"; readonly switchName: string; readonly port: string };

/** One machine of the virtual rack, as it would be bought: nobody tells the server any of this. */
export type MachineSpec = {
  /** Names its folder, log and control verbs; the machine itself never learns it. */
  readonly name: string;
  readonly firmware: Firmware;
  /** UEFI only: which of the firmware's ways to the network it has. */
  readonly bootFrom: "pxe" | "http";
  /** UEFI only: enforced, with Microsoft's keys enrolled, as servers are sold. */
  readonly secureBoot: boolean;
  readonly memoryMiB: number;
  readonly cpus: number;
  readonly disks: readonly DiskSpec[];
  readonly nic: NicModel;
  readonly mac: Mac;
  readonly smbios: {
    readonly vendor: string;
    readonly product: string;
    readonly serial: string;
    readonly uuid: string;
  };
  /** The switch port it hangs on, e.g. `swp1`. */
  readonly port: string;
  readonly voice: PortVoice;
  /** Share of frames lost in each direction, 0 to 100. */
  readonly lossPercent: number;
};

/** Fills in what a test or demo does not care about; `unit` makes MAC, serials, UUID and port differ. */
export function machineSpec(unit: number, given: Partial<MachineSpec> = {}): MachineSpec {
  const hex = unit.toString(16).padStart(4, "0");
  return {
    name: `machine-${unit}`,
    firmware: "bios",
    bootFrom: "pxe",
    secureBoot: false,
    memoryMiB: 1024,
    cpus: 2,
    disks: [{ bus: "virtio", sizeMiB: 8192, serial: `DISK${hex}A` }],
    nic: "virtio-net-pci",
    // 52:54:00 is QEMU's own block of locally administered addresses.
    mac: `52:54:00:b1:${hex.slice(0, 2)}:${hex.slice(2)}` as Mac,
    smbios: {
      vendor: "Birther Lab",
      product: "Virtual Server",
      serial: `BL${hex.toUpperCase()}`,
      uuid: `b1b1b1b1-0000-4000-8000-52540000${hex}`,
    },
    port: `swp${unit}`,
    voice: { kind: "announced" },
    lossPercent: 0,
    ...given,
  };
}
