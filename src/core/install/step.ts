import type { BootPartition } from "../boot-loader/efi-boot.ts";
import type { DiskIdentity } from "../hardware/disk-identity.ts";
import type { HostFile, HostLink } from "./host-files.ts";

/** What one step does. Paths are as the Bootstrap Image sees them; init has one function for each kind. */
export type Act =
  /** Loads kernel modules by name. */
  | { readonly kind: "loadModules"; readonly modules: readonly string[] }
  /** Deletes every disk key of ours from NVRAM: what was encrypted with them is gone. */
  | { readonly kind: "discardKeys" }
  /** Stores fresh random bytes in a UEFI variable. */
  | { readonly kind: "makeKey"; readonly variable: string; readonly byteCount: number }
  /** Stops if the path leads to another disk than was chosen: from here on things are destroyed. */
  | { readonly kind: "checkDisk"; readonly disk: DiskIdentity }
  /** Writes a new partition table, if the disk still is the chosen one, and waits until the kernel shows the partitions. */
  | {
      readonly kind: "partition";
      readonly disk: DiskIdentity;
      readonly script: string;
      readonly expect: readonly string[];
    }
  /** Makes a LUKS2 volume with the key in a UEFI variable, and opens it as `/dev/mapper/NAME`. */
  | { readonly kind: "encrypt"; readonly partition: string; readonly variable: string; readonly mapperName: string }
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
  /** Fetches files from the Boot Server over HTTP; what does not have its SHA-512 is an error. */
  | {
      readonly kind: "fetchFiles";
      readonly files: readonly { readonly path: string; readonly sha512: string; readonly to: string }[];
    }
  /** Copies a program to `to`/bin and the libraries it is linked with to `to`/lib. */
  | { readonly kind: "copyProgram"; readonly program: string; readonly to: string }
  /** GRUB for BIOS: boot.img into the first sector, core.img into its partition. */
  | {
      readonly kind: "installBiosLoader";
      readonly disk: string;
      readonly coreSector: number;
      readonly roomSectors: number;
    }
  /** Our entry in the firmware's boot menu, behind the network's. */
  | { readonly kind: "addBootEntry"; readonly partition: BootPartition; readonly file: string }
  /** Everything written is on the disk when this is done. */
  | { readonly kind: "sync" };

/** A phase that ends with a step of the plan. */
export type InstallPhase = "keysMade" | "partitioned" | "populated";

/** The steps of an installation and how console, log and record name them. */
export const installSteps = {
  fileSystemDrivers: "load drivers for file systems",
  fetchLoader: "fetch the signed boot loader",
  checkDisk: "check the root disk",
  discardKeys: "discard old keys",
  makeKeys: "make keys",
  partition: "partition",
  encryptRoot: "encrypt root",
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
} as const;
export type InstallStepId = keyof typeof installSteps;

/** One step. The watchdog resets the machine when it takes longer than its deadline. */
export type Step = {
  readonly id: InstallStepId;
  readonly deadlineSeconds: number;
  readonly act: Act;
  /** The phase that is reached when this step is done. */
  readonly reaches?: InstallPhase;
};

/** A step; `reaches` is the phase that ends with it. */
export function step(id: InstallStepId, deadlineSeconds: number, act: Step["act"], reaches?: InstallPhase): Step {
  return { id, deadlineSeconds, act, ...(reaches === undefined ? {} : { reaches }) };
}
