import { diskKeyBytes, diskKeyVariable } from "../boot-loader/efi-variable.ts";
import { fetchLoaderSteps, loaderSteps } from "../boot-loader/loader-steps.ts";
import type { SignedLoader } from "../boot-loader/signed-loader.ts";
import { type DiskIdentity, identityOf, mebibytes, recognitionOf } from "../hardware/disk-identity.ts";
import type { Disk } from "../hardware/hardware.ts";
import { whyNotStarted } from "../hardware/suitable-disk.ts";
import { defaultArchitecture, type MachineArchitecture } from "../machine/architecture.ts";
import type { Firmware, StorageReport } from "../machine/record.ts";
import type { Ipv4 } from "../net/ipv4.ts";
import type { Mac } from "../net/mac.ts";
import type { Random } from "../ports.ts";
import type { BirthPlainCause, KeySealing } from "../tpm/disk-key.ts";
import type { DataDisk } from "./data-disks.ts";
import { type Destruction, destructionSteps, signatureSeconds } from "./destruction.ts";
import { hostDirectories, hostFiles, hostLinks, volumesLink } from "./host-files.ts";
import { type Layout, partitionFor, planLayout, sfdiskScript } from "./layout.ts";
import { extraMiB, type LayoutProfile } from "./layout-profile.ts";
import { loadDrivers } from "./load-drivers.ts";
import type { MachineVolumes } from "./machine-volumes.ts";
import type { HostNetworkPlan } from "./network-files.ts";
import { imagePaths, newRoot, onNewRoot, rootMapperName, rootPaths } from "./paths.ts";
import { type Step, step } from "./step.ts";
import type { KeyLocation, StoragePolicy } from "./storage-policy.ts";
import { extraPartitions, planVolumes } from "./volume-steps.ts";

/** The inputs of an installation plan. */
export type InstallInput = {
  readonly firmware: Firmware;
  /** Whether the firmware starts only signed programs. */
  readonly secureBoot: boolean;
  /** The signed image runs: the firmware trusts the site's key, with which Birther's GRUB in it is signed, too. */
  readonly bySignedImage: boolean;
  /** What the machine runs; the default if it is absent. */
  readonly architecture?: MachineArchitecture;
  /** The loaders to install instead of Birther's GRUB, which Debian has not signed. */
  readonly signedLoader?: SignedLoader;
  /** Whether the key is to be sealed: by which boot loader that measures, or why not. Absent: nobody asked for it. */
  readonly sealing?: Sealing;
  readonly keyPlace: KeyLocation;
  readonly policy: StoragePolicy;
  /** The root disk, and why it was chosen. */
  readonly disk: Disk;
  readonly diskWhy: string;
  /** All disks of the machine, the root disk among them. */
  readonly disks: readonly Disk[];
  readonly sectorBytes: number;
  /** How the disks are used, and which of them become data volumes; one root on the root disk if absent. */
  readonly profile?: LayoutProfile;
  readonly data?: readonly DataDisk[];
  /** Former data disks of this machine that become none now. */
  readonly former?: readonly Disk[];
  readonly hostname: string;
  readonly mac: Mac;
  /** Dotted quads. */
  readonly address: Ipv4;
  readonly prefixLength: number;
  readonly gateway?: Ipv4;
  readonly nameservers: readonly Ipv4[];
  /** The network, if it is more than that NIC and that address. */
  readonly network?: HostNetworkPlan;
  /** What is erased beside the keys of the root disk. */
  readonly erase?: Omit<Destruction, "root">;
};

/** How the booted machine finds and opens its root. */
export type RootVolume =
  | {
      readonly kind: "luks2";
      readonly partUuid: string;
      readonly keyVariable: string;
      /** The agent seals the key to boots of the loader with this Authenticode hash, SHA-256 in hex. */
      readonly seal?: { readonly loaderSha256: string };
    }
  | { readonly kind: "plain"; readonly partUuid: string };

/** What the machine allows where the key is to be sealed. */
export type Sealing =
  | { readonly kind: "possible"; readonly loader: MeasuringLoader }
  | { readonly kind: "impossible"; readonly cause: BirthPlainCause };

/** A boot loader for UEFI with GRUB's module `tpm`: its path in the Bootstrap Image and its Authenticode hash. */
export type MeasuringLoader = { readonly path: string; readonly sha256: string };

export type InstallPlan = {
  readonly kind: "planned";
  readonly steps: readonly Step[];
  readonly layout: Layout;
  readonly root: RootVolume;
  readonly bootPartUuid: string;
  readonly espPartUuid?: string;
  /** Volumes beside the root, which the installed system opens; absent if there are none. */
  readonly volumes?: MachineVolumes;
  /** The storage report for the machine's record. */
  readonly storage: StorageReport;
};

export type InstallPlanning = InstallPlan | { readonly kind: "refused"; readonly reason: string };

/** The plan of an installation, from keys to a populated root: named steps in order. All decisions are made here. */
export function planInstall(input: InstallInput, random: Random): InstallPlanning {
  const reason = whyRefused(input);
  if (reason !== undefined) return { kind: "refused", reason };
  const { keyPlace, policy, disk } = input;
  // Also while Secure Boot is off: the machine must still start if it is turned on later.
  const signedLoader = input.firmware === "uefi" ? input.signedLoader : undefined;
  const { profile, data = [], sectorBytes, firmware } = input;
  const identity = identityOf(disk);
  const layout = planLayout({ ...policy, disk, sectorBytes, firmware, extra: extraPartitions(profile) }, random);
  const rootPartition = partitionFor(layout, "root");
  const bootPartUuid = partitionFor(layout, "boot").uuid;
  const { sealing, measuring } = sealingOf(input, signedLoader);
  const root: RootVolume =
    keyPlace.kind === "uefi-variable"
      ? {
          kind: "luks2",
          partUuid: rootPartition.uuid,
          keyVariable: diskKeyVariable,
          ...(measuring === undefined ? {} : { seal: { loaderSha256: measuring.sha256 } }),
        }
      : { kind: "plain", partUuid: rootPartition.uuid };
  const volumes = planVolumes(
    { profile, rootDisk: disk, rootLayout: layout, data, encrypted: root.kind === "luks2" },
    random,
  );
  const file = volumes.report.length === 0 ? {} : { volumes: volumes.file };
  const esp = input.firmware === "uefi" ? { espPartUuid: partitionFor(layout, "esp").uuid } : {};
  return {
    kind: "planned",
    steps: [
      loadDrivers(input.firmware, root.kind === "luks2"),
      ...fetchLoaderSteps(signedLoader),
      step("checkDisk", 60, { kind: "checkDisk", disk: identity }),
      ...data.map((each) => step("checkDataDisk", 60, { kind: "checkDisk", disk: identityOf(each.disk) })),
      ...destructionSteps(input.firmware, destructionOf(input)),
      ...keySteps(root),
      ...partitionSteps(layout, root, identity),
      ...fileSystemSteps(layout, root),
      ...volumes.steps,
      ...loaderSteps(layout, {
        ...{ signed: signedLoader, architecture: input.architecture ?? defaultArchitecture },
        ...(measuring === undefined ? {} : { measuring: measuring.path }),
      }),
      ...populateSteps(input, root, { bootPartUuid, ...esp, ...file }),
    ],
    layout,
    root,
    bootPartUuid,
    ...esp,
    ...file,
    storage: {
      rootDisk: {
        ...identity,
        why: input.diskWhy,
        recognition: recognitionOf(disk, input.disks),
        ...(disk.biosDrive === undefined ? {} : { biosDrive: disk.biosDrive }),
      },
      disks: input.disks.map(identityOf),
      ...(profile === undefined ? {} : { layout: profile.name }),
      ...(volumes.report.length === 0 ? {} : { volumes: volumes.report }),
      encryption:
        keyPlace.kind === "uefi-variable"
          ? { kind: "luks2", keyIn: "uefi-variable", ...(sealing === undefined ? {} : { sealing }) }
          : { kind: "none", reason: keyPlace.reason },
    },
  };
}

/** Why nothing may be written; undefined if it may. */
function whyRefused(input: InstallInput): string | undefined {
  const { secureBoot, signedLoader, bySignedImage, keyPlace, policy, disk, sectorBytes } = input;
  // This check comes before any write: afterwards the machine could start neither its old nor its new system.
  if (secureBoot && signedLoader === undefined && !bySignedImage)
    return "Secure Boot is on: expected a signed boot loader in the order, found none; set secureBoot: true for this machine's network";
  if (keyPlace.kind === "none" && !policy.allowUnencrypted)
    return `expected a place for the disk key, found none (${keyPlace.reason}), and storage.allowUnencrypted is false`;
  return whyNotStarted({ path: disk.path, sectorBytes }, input) ?? whyTooSmall(input);
}

/** Why the root disk has no room for the root beside the profile's partitions; undefined if it has. */
function whyTooSmall({ profile, disk, policy }: InstallInput): string | undefined {
  const extra = extraMiB(profile);
  const [neededMiB, foundMiB] = [policy.minRootDiskMiB + extra, mebibytes(disk.sizeBytes)];
  if (extra === 0 || foundMiB >= neededMiB) return undefined;
  return `layout ${profile?.name}: ${disk.path} is too small: expected ${neededMiB} MiB (storage.minRootDiskMiB, and ${extra} MiB for its swap and volumes), found ${foundMiB} MiB`;
}

/** What becomes of the wish to have the key sealed, and the loader that measures, if it is. */
function sealingOf(
  { firmware, sealing }: InstallInput,
  signedLoader: SignedLoader | undefined,
): { readonly sealing?: KeySealing; readonly measuring?: MeasuringLoader } {
  if (firmware === "bios" || sealing === undefined) return {};
  // Under Debian's loaders, PCR 4 has the kernel, too.
  if (signedLoader !== undefined) return { sealing: "debian-loaders" };
  if (sealing.kind === "impossible") return { sealing: sealing.cause };
  return { sealing: "asked", measuring: sealing.loader };
}

/** What is destroyed: by the operator's wish, by the layout, and of former data disks only what opened them. */
function destructionOf({ disk, data = [], former = [], erase = {} }: InstallInput): Destruction {
  const { others: wanted = [] } = erase;
  const isAmong = (disks: readonly DiskIdentity[], { path }: DiskIdentity) => disks.some((one) => one.path === path);
  const taken = data.map((each) => identityOf(each.disk)).filter((each) => !isAmong(wanted, each));
  const others = [...wanted, ...taken];
  return {
    ...{ ...erase, root: identityOf(disk), others },
    headersOnly: former.map(identityOf).filter((each) => !isAmong(others, each)),
  };
}

function keySteps(root: RootVolume): readonly Step[] {
  if (root.kind === "plain") return [];
  const make = { kind: "makeKey", variable: root.keyVariable, byteCount: diskKeyBytes } as const;
  return [step("makeKeys", 60, make, "keysMade")];
}

function partitionSteps(layout: Layout, root: RootVolume, disk: DiskIdentity): readonly Step[] {
  const expect = layout.partitions.map((partition) => partition.path);
  const partition = { kind: "partition", disk, script: sfdiskScript(layout), expect } as const;
  const erase = step("eraseSignatures", signatureSeconds, { kind: "eraseSignatures", disk });
  if (root.kind === "plain") return [erase, step("partition", 120, partition, "partitioned")];
  return [
    erase,
    step("partition", 120, partition),
    step(
      "encryptRoot",
      180,
      {
        kind: "encrypt",
        partition: partitionFor(layout, "root").path,
        variable: root.keyVariable,
        mapperName: rootMapperName,
      },
      "partitioned",
    ),
  ];
}

function rootDevice(layout: Layout, root: RootVolume): string {
  return root.kind === "luks2" ? `/dev/mapper/${rootMapperName}` : partitionFor(layout, "root").path;
}

/** Creating a file system first discards the whole partition, which takes minutes on some disks. */
const fileSystemSeconds = 900;

function fileSystemSteps(layout: Layout, root: RootVolume): readonly Step[] {
  const boot = partitionFor(layout, "boot").path;
  const device = rootDevice(layout, root);
  // GRUB 2.06 cannot read features that newer versions of mke2fs enable by default.
  const forGrub = ["-O", "^metadata_csum_seed,^orphan_file"];
  const steps = [
    step("rootFileSystem", fileSystemSeconds, {
      kind: "makeFileSystem",
      device,
      argv: ["/usr/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-L", "root", device],
    }),
    step("bootFileSystem", fileSystemSeconds, {
      kind: "makeFileSystem",
      device: boot,
      argv: ["/usr/sbin/mke2fs", "-q", "-F", "-t", "ext4", ...forGrub, "-L", "boot", boot],
    }),
    step("mountRoot", 60, { kind: "mount", source: device, target: newRoot, type: "ext4" }),
    step("mountBoot", 60, { kind: "mount", source: boot, target: onNewRoot(rootPaths.bootPartition), type: "ext4" }),
  ];
  const esp = layout.partitions.find((partition) => partition.use === "esp");
  if (esp === undefined) return steps;
  // FAT32, which the specification requires for an ESP, starts at 65525 clusters (UEFI 2.10 §13.3); smaller ones get FAT16.
  const bits = esp.sectorCount > 65_600 ? "32" : "16";
  // Larger sectors make fewer clusters: with mkfs's usual four sectors each, 64 MiB are too few even for FAT16.
  const clusters = layout.sectorBytes > 512 ? ["-s", "1"] : [];
  return [
    ...steps,
    step("efiFileSystem", fileSystemSeconds, {
      kind: "makeFileSystem",
      device: esp.path,
      argv: ["/usr/sbin/mkfs.vfat", "-F", bits, ...clusters, "-n", "ESP", esp.path],
    }),
    step("mountEfi", 60, {
      kind: "mount",
      source: esp.path,
      target: onNewRoot(rootPaths.esp),
      type: "vfat",
    }),
  ];
}

function populateSteps(
  input: InstallInput,
  root: RootVolume,
  made: { readonly bootPartUuid: string; readonly espPartUuid?: string; readonly volumes?: MachineVolumes },
): readonly Step[] {
  const rootSource = root.kind === "luks2" ? `/dev/mapper/${rootMapperName}` : `PARTUUID=${root.partUuid}`;
  const { volumes } = made;
  const files = hostFiles({ ...input, ...made, rootSource });
  const points = volumes?.volumes.flatMap(({ mountPoint }) => mountPoint ?? []) ?? [];
  const directories = [...hostDirectories, ...points.map((path) => ({ path, mode: 0o755 }))];
  const links = volumes === undefined ? hostLinks : [...hostLinks, volumesLink];
  const unlock = step("copyUnlocker", 120, {
    kind: "copyProgram",
    program: imagePaths.cryptsetup,
    to: onNewRoot(rootPaths.unlock),
  });
  return [
    step("makeDirectories", 60, {
      kind: "makeDirectories",
      directories: directories.map((each) => ({ ...each, path: onNewRoot(each.path) })),
    }),
    step("hostFiles", 60, {
      kind: "writeFiles",
      files: files.map((each) => ({ ...each, path: onNewRoot(each.path) })),
    }),
    step("enableServices", 60, {
      kind: "makeLinks",
      links: links.map((each) => ({ ...each, path: onNewRoot(each.path) })),
    }),
    step("copyAgent", 120, {
      kind: "copyFiles",
      files: [
        { from: imagePaths.native, to: onNewRoot(rootPaths.agent), mode: 0o755 },
        { from: imagePaths.agentScript, to: onNewRoot(rootPaths.agentScript), mode: 0o644 },
        { from: imagePaths.caCertificate, to: onNewRoot(rootPaths.caCertificate), mode: 0o644 },
      ],
    }),
    ...(root.kind === "luks2" || volumes?.swap !== undefined ? [unlock] : []),
    step("sync", 300, { kind: "sync" }, "populated"),
  ];
}
