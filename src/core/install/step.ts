import type { BootPartition } from "../boot-loader/efi-boot.ts";
import type { DeviceJob } from "../erasure/device/device-job.ts";
import type { DiskIdentity } from "../hardware/disk-identity.ts";
import type { HostLink } from "./host-files.ts";
import type { MdMember } from "./md-superblock.ts";
import type { HostFile } from "./paths.ts";

/** The operation of a step. Paths are as seen from the Bootstrap Image; init has one function per kind. */
export type Act =
  /** Loads kernel modules by name. */
  | { readonly kind: "loadModules"; readonly modules: readonly string[] }
  /** Deletes all of Birther's disk keys from NVRAM: data encrypted with them is lost. */
  | { readonly kind: "discardKeys" }
  /** Overwrites every LUKS header on a disk, wherever an earlier system put it, and reads it back. */
  | { readonly kind: "eraseHeaders"; readonly disk: DiskIdentity }
  /** Tells a disk to forget all of its blocks, as far as it takes that: one that takes none is no failure. */
  | { readonly kind: "discardDisk"; readonly disk: DiskIdentity }
  /** Lets disks erase themselves, all at once; what a disk declines goes on the record. */
  | { readonly kind: "eraseByDevice"; readonly jobs: readonly DeviceJob[] }
  /** Destroys Birther's disk key in the TPM; one that gave no answer in this boot is not asked. */
  | { readonly kind: "discardTpmKey"; readonly answers: boolean; readonly byteCount: number }
  /** Stores fresh random bytes in the TPM. */
  | { readonly kind: "makeTpmKey"; readonly byteCount: number }
  /** Stores fresh random bytes in a UEFI variable. */
  | { readonly kind: "makeKey"; readonly variable: string; readonly byteCount: number }
  /** Fails if the path now leads to another disk: the following steps are destructive. */
  | { readonly kind: "checkDisk"; readonly disk: DiskIdentity }
  /** Removes all signatures of RAID, volumes, file systems, encryption and partitions if the disk is still the chosen one. */
  | { readonly kind: "eraseSignatures"; readonly disk: DiskIdentity }
  /** Writes a new partition table if the disk is still the chosen one, and waits until the kernel lists the partitions. */
  | {
      readonly kind: "partition";
      readonly disk: DiskIdentity;
      readonly script: string;
      readonly expect: readonly string[];
    }
  /** Writes fresh random bytes to a file. */
  | { readonly kind: "makeKeyFile"; readonly path: string; readonly byteCount: number }
  /** Makes an array of members whose first mebibyte is written, and waits for its device. */
  | { readonly kind: "makeMirror"; readonly array: string; readonly members: readonly NewMember[] }
  /** Assembles an array of members that are there: one is enough. */
  | { readonly kind: "assembleMirror"; readonly array: string; readonly members: readonly string[] }
  /** Creates a LUKS2 volume with the key, and opens it as `/dev/mapper/NAME`. */
  | ({ readonly kind: "encrypt"; readonly partition: string; readonly mapperName: string } & KeySource)
  /** Opens an existing LUKS2 volume with the key, as `/dev/mapper/NAME`. */
  | ({ readonly kind: "unlock"; readonly partition: string; readonly mapperName: string } & KeySource)
  /** Waits until the kernel lists the devices. */
  | { readonly kind: "findDevices"; readonly paths: readonly string[] }
  | { readonly kind: "makeFileSystem"; readonly device: string; readonly argv: readonly string[] }
  | { readonly kind: "mount"; readonly source: string; readonly target: string; readonly type: "ext4" | "vfat" }
  | {
      readonly kind: "makeDirectories";
      readonly directories: readonly { readonly path: string; readonly mode: number }[];
    }
  | { readonly kind: "writeFiles"; readonly files: readonly HostFile[] }
  | { readonly kind: "makeLinks"; readonly links: readonly HostLink[] }
  | {
      readonly kind: "copyFiles";
      readonly files: readonly { readonly from: string; readonly to: string; readonly mode: number }[];
    }
  /** Fetches files from the Boot Server over HTTP; a wrong SHA-512 is an error. */
  | {
      readonly kind: "fetchFiles";
      readonly files: readonly { readonly path: string; readonly sha512: string; readonly to: string }[];
    }
  /** Copies a program to `to`/bin and its libraries to `to`/lib. */
  | { readonly kind: "copyProgram"; readonly program: string; readonly to: string }
  /** GRUB for BIOS: boot.img into the first sector, core.img into its partition. */
  | {
      readonly kind: "installBiosLoader";
      readonly disk: string;
      readonly coreSector: number;
      readonly roomSectors: number;
    }
  /** Adds Birther's entry to the firmware's boot order, after the network entry. */
  | { readonly kind: "addBootEntry"; readonly partition: BootPartition; readonly file: string; readonly name: string }
  /** Flushes all writes to the disk. */
  | { readonly kind: "sync" };

/** A member of a new array: its partition, and what identifies it (md-superblock.ts). */
export type NewMember = Pick<MdMember, "arrayId" | "memberId" | "partitionBytes"> & { readonly path: string };

/** Where the key of a volume is: in a UEFI variable, in the TPM (core/tpm/nv-key.ts), or in a file that is nothing else. */
export type KeySource = { readonly variable: string } | { readonly inTpm: true } | { readonly keyFile: string };

/** A phase that ends with a step of the plan. */
export type InstallPhase = "keysMade" | "partitioned" | "populated";

/** The steps of an installation, with their names on the console, in the log and in the record. */
export const installSteps = {
  fileSystemDrivers: "load drivers for file systems",
  fetchLoader: "fetch the signed boot loader",
  checkDisk: "check the root disk",
  discardKeys: "discard old keys",
  discardTpmKey: "discard the old key in the TPM",
  eraseHeaders: "erase old LUKS headers",
  eraseByDevice: "let the disks erase themselves",
  discardDisk: "discard old data",
  eraseOthers: "erase old signatures of other disks",
  makeKeys: "make keys",
  eraseSignatures: "erase old signatures",
  partition: "partition",
  checkMirrorDisk: "check the second disk of the mirror",
  partitionMirrorDisk: "partition the second disk of the mirror",
  makeMirror: "make the mirror",
  assembleMirror: "assemble the mirror",
  encryptRoot: "encrypt root",
  checkDataDisk: "check a data disk",
  partitionDataDisk: "partition a data disk",
  makeVolumeKey: "make the key of a volume",
  encryptVolume: "encrypt a volume",
  volumeFileSystem: "make the file system of a volume",
  rootFileSystem: "make root file system",
  bootFileSystem: "make boot file system",
  mountRoot: "mount root",
  mountBoot: "mount boot",
  efiFileSystem: "make EFI file system",
  mountEfi: "mount EFI file system",
  installLoader: "install boot loader",
  configureLoader: "configure boot loader",
  addBootEntry: "add boot entry",
  makeDirectories: "make directories",
  hostFiles: "write host files",
  enableServices: "enable services",
  copyAgent: "copy birther-agent",
  copyUnlocker: "copy the unlocker",
  sync: "write everything to disk",
  findPartitions: "find the partitions",
  unlockRoot: "unlock root",
} as const;
export type InstallStepId = keyof typeof installSteps;

/** One step. The watchdog resets the machine if the step exceeds its deadline. */
export type Step = {
  readonly id: InstallStepId;
  readonly deadlineSeconds: number;
  readonly act: Act;
  /** The phase that this step completes. */
  readonly reaches?: InstallPhase;
};

/** A step; `reaches` is the phase that ends with it. */
export function step(id: InstallStepId, deadlineSeconds: number, act: Step["act"], reaches?: InstallPhase): Step {
  return { id, deadlineSeconds, act, ...(reaches === undefined ? {} : { reaches }) };
}
