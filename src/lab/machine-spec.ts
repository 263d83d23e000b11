import type { MachineArchitecture } from "../core/machine/architecture.ts";
import type { Firmware } from "../core/machine/record.ts";
import type { Mac } from "../core/net/mac.ts";

/** How a disk is attached: the four families of server storage that both firmware kinds can boot from. */
export type DiskBus = "virtio" | "nvme" | "ahci" | "scsi" | ScsiController | "usb" | "sd";

/** Further SCSI controllers of QEMU, by the names of their devices; `scsi` is virtio's. */
export type ScsiController = "megasas" | "mptsas1068" | "pvscsi" | "lsi53c895a" | "am53c974";

/** Network cards by QEMU's device name. Without a ROM, EDK2 in Debian's OVMF drives only `virtio-net-pci`. */
export type NicModel = "virtio-net-pci" | "e1000e" | "vmxnet3";

/** How a TPM 2.0 is attached: the two interfaces of server boards. */
export type TpmModel = "tpm-tis" | "tpm-crb";

export type DiskSpec = {
  readonly bus: DiskBus;
  readonly sizeMiB: number;
  /** At most 20 characters, the limit of ATA and virtio. */
  readonly serial: string;
  /** Size of its sectors; 512 if it is left out. A BIOS starts from no other, and QEMU's AHCI has no other. */
  readonly sectorBytes?: 512 | 4096;
  /** The rate of reads and writes together, as of a worn disk; no limit if it is left out. */
  readonly bytesPerSecond?: number;
  /** Gives back something else than was written, without an error (lying-disk.ts). */
  readonly lies?: true;
};

/**
 * What the switch announces on a machine's port: its own name and port, nothing, or another switch and port (for fault
 * tests).
 */
export type PortAnnouncement =
  | { readonly kind: "announced" }
  | { readonly kind: "silent" }
  | { readonly kind: "foreign"; readonly switchName: string; readonly port: string };

/** One machine of the virtual rack, as bought: the server knows none of this in advance. */
export type MachineSpec = {
  /** Names its directory, log and control commands; the machine itself never learns it. */
  readonly name: string;
  readonly firmware: Firmware;
  /** The default if it is absent; arm64 is QEMU's *virt* board with UEFI, without Secure Boot and TPM. */
  readonly architecture?: MachineArchitecture;
  /** UEFI only: how the firmware boots from the network. */
  readonly bootFrom: "pxe" | "http";
  /** UEFI only: enforced, with Microsoft's keys enrolled, as servers are sold. */
  readonly secureBoot: boolean;
  /** With `secureBoot`: the path of a certificate (DER) that is the only one enrolled, in place of Microsoft's keys. */
  readonly onlyTrusts?: string;
  /** A tree of unpacked packages whose OVMF and iPXE ROM the machine has; this computer's if it is left out. */
  readonly firmwareTree?: string;
  readonly memoryMiB: number;
  readonly cpus: number;
  readonly disks: readonly DiskSpec[];
  readonly nic: NicModel;
  /** A TPM 2.0 of its own (swtpm); none if it is left out. */
  readonly tpm?: TpmModel;
  readonly mac: Mac;
  readonly smbios: {
    readonly vendor: string;
    readonly product: string;
    readonly serial: string;
    readonly uuid: string;
  };
  /** The machine's switch port, e.g. `swp1`. */
  readonly port: string;
  readonly announcement: PortAnnouncement;
  /** Share of frames lost in each direction, 0 to 100. */
  readonly lossPercent: number;
  /** What its port passes on to it, as a cable does that has fallen back; no limit if it is left out. */
  readonly linkMbps?: number;
};

/** Fills in the fields that a test or demo leaves out; `unit` makes MAC, serials, UUID and port unique. */
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
    announcement: { kind: "announced" },
    lossPercent: 0,
    ...given,
  };
}
