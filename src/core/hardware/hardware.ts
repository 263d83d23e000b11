import type { NamedArchitecture } from "../machine/architecture.ts";
import type { Mac } from "../net/mac.ts";
import type { ChassisSlot } from "../site/placement.ts";

/** Identity strings of a machine's board (SMBIOS type 1); evidence, never a key: they repeat and change (netboot.md Q7). */
export type Smbios = {
  readonly vendor: string;
  readonly product: string;
  readonly serial: string;
  readonly uuid: string;
};

export type Disk = {
  /** Device path on the Bootstrap Image's kernel, e.g. `/dev/nvme0n1`. Not stable: `serial` and `wwn` are. */
  readonly path: string;
  readonly model: string;
  readonly serial: string;
  readonly wwn: string;
  readonly sizeBytes: number;
  readonly rotational: boolean;
  readonly removable: boolean;
  readonly bus: string;
  /** What carries its commands (disk-transport.ts), such as `sata` or `fc`; absent if unknown, and in reports of older versions. */
  readonly transport?: string;
  /** The kernel's device path without `/sys/devices/`, which names its controller; absent in reports of older versions. */
  readonly devicePath?: string;
  /** The kernel's other names of the same disk, if several paths lead to it. */
  readonly otherPaths?: readonly string[];
  /** A management controller shows an image or its own memory as this disk. */
  readonly virtualMedia?: true;
  /** Bytes of a logical sector; absent in reports of older versions. */
  readonly sectorBytes?: number;
  /** The number by which a BIOS starts it, from 128; absent if the BIOS does not say, and on UEFI. */
  readonly biosDrive?: number;
  /** The BIOS lists its drives, and this disk is none of them: it cannot start it. */
  readonly unlistedByBios?: true;
  /** The UEFI firmware has no driver for its controller: it cannot start it. */
  readonly unseenByUefi?: true;
  /**
   * Its contents: file systems, RAID, volumes, partition tables (disk-contents.ts); empty for an empty disk; the error
   * if they could not be read. Absent in reports of older versions and for removable disks.
   */
  readonly contents?: readonly string[];
};

export type Nic = {
  readonly name: string;
  readonly mac: Mac;
  readonly driver: string;
  /** Megabits per second; 0 if the driver does not report it. */
  readonly speedMbps: number;
  readonly carrier: boolean;
  /** Kernel device path, e.g. `pci0000:00/0000:00:02.0`. */
  readonly path: string;
};

/**
 * Who answers for kernel, initramfs and command line of a birth. `signed-image`: the firmware verified all three with the
 * site's key. `wire-trusted`: they came from an unverified network boot. It is what init says of itself: a foreign
 * initramfs can say anything.
 */
export const bootTrusts = ["signed-image", "wire-trusted"] as const;
export type BootTrust = (typeof bootTrusts)[number];

export type Hardware = {
  /** Absent for the default architecture, and in reports of older versions, which ran on no other. */
  readonly architecture?: NamedArchitecture;
  readonly cpus: number;
  readonly cpuModel: string;
  readonly memoryMiB: number;
  readonly disks: readonly Disk[];
  readonly nics: readonly Nic[];
  readonly firmware: "bios" | "uefi";
  /** Whether the firmware starts only signed programs. */
  readonly secureBoot: boolean;
  /** Who answers for what ran during the birth; absent in reports of older versions. */
  readonly bootTrust?: BootTrust;
  readonly tpm: boolean;
  readonly watchdog: string;
  readonly smbios: Smbios;
  /** Its slot in an enclosure; absent if the firmware names none, and in reports of older versions. */
  readonly chassis?: ChassisSlot;
  /** All PCI devices; absent in reports of older versions. */
  readonly pciDevices?: readonly PciDevice[];
  /** Disks that the kernel shows without a usable size, such as those with sectors of 520 bytes; absent if there are none. */
  readonly sizelessDisks?: readonly string[];
  /** Network cards whose firmware the Bootstrap Image lacks; absent if there are none, and in reports of older versions. */
  readonly missingFirmware?: readonly MissingFirmware[];
};

/** A network card without its firmware. */
export type MissingFirmware = {
  /** Such as `14e4:168e at 0000:03:00.0`, or the driver and its device. */
  readonly device: string;
  /** What to add to `bootstrapImage.firmware`. */
  readonly family: string;
  /** What the driver asked for; absent if the image lacks the driver, too. */
  readonly file?: string;
};

/** A PCI device and its driver. */
export type PciDevice = {
  /** Such as `0000:00:1f.2`. */
  readonly address: string;
  /** `vendor:device`, four hex digits each. */
  readonly id: string;
  /** Class and subclass, four hex digits (PCI Code and ID Assignment Specification §1). */
  readonly class: string;
  /** Empty if no driver is bound. */
  readonly driver: string;
};

/** The result of one burn-in test. */
export type BurnInResult = {
  readonly test: "cpu" | "memory" | "disk" | "diskRead" | "network";
  /** The subject of the test, such as `/dev/vda` or `2 CPUs`. */
  readonly subject: string;
  readonly ok: boolean;
  readonly durationMs: number;
  /** Measured figures by name with the unit last, e.g. `{ writeMiBps: 120 }`. */
  readonly figures: { readonly [name: string]: number };
  /** Why it failed, or an empty string. */
  readonly fault: string;
};

export type BurnInReport = {
  readonly verdict: "passed" | "failed" | "skipped";
  readonly results: readonly BurnInResult[];
};
