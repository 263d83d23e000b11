import type { RootDiskRule } from "../hardware/root-disk-rules.ts";
import type { VolumeFileSystem } from "./volume-file-system.ts";

/** A volume on the root disk, beside the root. */
export type ExtraVolume = {
  /** Part of its device's name, `/dev/mapper/birther-NAME`. */
  readonly name: string;
  readonly sizeMiB: number;
  readonly fileSystem: VolumeFileSystem;
  /** Only with a file system. */
  readonly mountPoint?: string;
};

/** Which other disks become data volumes, and what is made of them. */
export type DataDiskRule = {
  /** Conditions that all hold for a disk, as those of the root disk; without one, every other disk. */
  readonly disks: RootDiskRule;
  readonly fileSystem: VolumeFileSystem;
  /** Only with a file system; `{n}` is the number of the disk by this rule, from 1. */
  readonly mountPoint?: string;
  /** A machine with fewer disks for this rule is not born. */
  readonly least: number;
};

/** Which disk holds the root beside the root disk: conditions that all hold for it. */
export type MirrorRule = { readonly disks: RootDiskRule };

/** How the disks of a machine are used; without a profile, one root fills the root disk. An image rule names it. */
export type LayoutProfile = {
  readonly name: string;
  /** Encrypted with a new random key at every boot; 0 for none. */
  readonly swapMiB: number;
  readonly volumes: readonly ExtraVolume[];
  /** The root is on two disks (mirror.ts); absent for one. */
  readonly mirror?: MirrorRule;
  /** Tried in order: the first that takes a disk decides. */
  readonly data: readonly DataDiskRule[];
};

/** The place of a disk's number in a mount point. */
export const diskNumberField = "{n}";

/** Whether a rule has room for one disk only: its mount point has no number. */
export function takesOne({ mountPoint }: DataDiskRule): boolean {
  return mountPoint !== undefined && !mountPoint.includes(diskNumberField);
}

/** The largest number of data disks. */
export const mostDataDisks = 128;
/** Volumes on a root disk at most. */
export const mostExtraVolumes = 16;

/** The size of the root disk that a profile takes from the root. */
export function extraMiB(profile: LayoutProfile | undefined): number {
  if (profile === undefined) return 0;
  return profile.volumes.reduce((sum, { sizeMiB }) => sum + sizeMiB, profile.swapMiB);
}
