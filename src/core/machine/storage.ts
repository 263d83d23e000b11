import type { DiskIdentity, Recognition } from "../hardware/disk-identity.ts";
import type { KeySealing } from "../tpm/disk-key.ts";

/** The boot order of a UEFI machine, by the names of its entries. */
export type BootOrder = {
  readonly entries: readonly string[];
  /** Why the first entry is first: the machine came by it, it is the likeliest network entry, or there is none. */
  readonly firstBy: "bootCurrent" | "guess" | "none";
  /** Why the order could not be written; the firmware then finds the loader at the fallback path. */
  readonly fault?: string;
};

/** A volume beside the root: swap, another volume on the root disk, or a data disk. It is encrypted if the root is; swap always is. */
export type VolumeReport = {
  readonly name: string;
  readonly disk: DiskIdentity;
  readonly sizeMiB: number;
  readonly mountPoint?: string;
};

/** The disks of a mirrored root that the running system works without: they failed, are gone, or came back with old data. */
export const mirrorDisks = ["rootDisk", "mirrorDisk"] as const;
export type MirrorState = { readonly missing: readonly (typeof mirrorDisks)[number][] };
/** The same, and since when. */
export type MirrorRecord = MirrorState & { readonly sinceMs: number };

/** How the machine's storage is protected; `none` carries the reason. */
export type StorageReport = {
  readonly rootDisk: {
    readonly path: string;
    readonly serial: string;
    readonly wwn?: string;
    readonly sizeBytes: number;
    readonly why: string;
    /** How a rebirth finds it again; absent in records of older versions. */
    readonly recognition?: Recognition;
    /** The number by which its BIOS starts it; absent on UEFI, and if the BIOS does not say. */
    readonly biosDrive?: number;
  };
  /** All disks that were in the machine then: what is not among them later is new. Absent in records of older versions. */
  readonly disks?: readonly DiskIdentity[];
  /** The layout profile; absent without one, and in records of older versions. */
  readonly layout?: string;
  /** The second disk of a mirrored root; absent if there is none. */
  readonly mirrorDisk?: DiskIdentity;
  /** Absent if there are none. */
  readonly volumes?: readonly VolumeReport[];
  /** The boot order that a birth on UEFI left; absent in records of older versions. */
  readonly bootOrder?: BootOrder;
  readonly encryption:
    | {
        readonly kind: "luks2";
        readonly keyIn: "uefi-variable" | "tpm";
        /** Absent if the configuration did not ask for sealing, and in records of older versions. */
        readonly sealing?: KeySealing;
      }
    | { readonly kind: "none"; readonly reason: string };
};

/** The root disk of an attempt, with the disks that it and earlier attempts of its generation chose for data. */
export type BirthDisk = DiskIdentity & { readonly dataDisks?: readonly DiskIdentity[] };
