import { diskKeyVariable } from "../boot-loader/efi-variable.ts";
import { fetchLoaderSteps, loaderSteps, loaderTargets } from "../boot-loader/loader-steps.ts";
import type { SignedLoader } from "../boot-loader/signed-loader.ts";
import { type DiskIdentity, identityOf, mebibytes, recognitionOf } from "../hardware/disk-identity.ts";
import type { Disk } from "../hardware/hardware.ts";
import { whyNotStarted } from "../hardware/suitable-disk.ts";
import { defaultArchitecture, type MachineArchitecture } from "../machine/architecture.ts";
import type { Firmware } from "../machine/record.ts";
import type { StorageReport } from "../machine/storage.ts";
import type { Ipv4 } from "../net/ipv4.ts";
import type { Mac } from "../net/mac.ts";
import type { Random } from "../ports.ts";
import type { BirthPlainCause, KeySealing } from "../tpm/disk-key.ts";
import { keyIndex } from "../tpm/nv-key.ts";
import type { DataDisk } from "./data-disks.ts";
import { type Destruction, destructionSteps } from "./destruction.ts";
import { type HostFacts, hostDirectories, hostFiles, hostLinks, volumesLink } from "./host-files.ts";
import { type Layout, partitionFor } from "./layout.ts";
import { extraMiB, type LayoutProfile } from "./layout-profile.ts";
import { loadDrivers } from "./load-drivers.ts";
import type { MachineVolumes } from "./machine-volumes.ts";
import type { HostNetworkPlan } from "./network-files.ts";
import { imagePaths, onNewRoot, rootPaths } from "./paths.ts";
import { fileSystemSteps, keySteps, partitionSteps, planRootLayouts, type RootMirror } from "./root-steps.ts";
import { encryptionOf, type RootVolume, rootSourceOf } from "./root-volume.ts";
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
  /** The second disk of a mirrored root, and that of the last birth if it becomes none now. */
  readonly mirror?: Disk;
  readonly formerMirror?: Disk;
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
  /** The boot partition of a mirrored root's second disk. */
  readonly mirrorBootPartUuid?: string;
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
  const extra = extraPartitions(profile);
  const { layout, mirror } = planRootLayouts({ ...policy, disk, sectorBytes, firmware, extra }, input.mirror, random);
  const { sealing, measuring } = sealingOf(input, signedLoader);
  const root = rootVolume(input, { layout, mirror, measuring });
  const encrypted = encryptionOf(root) !== undefined;
  const volumes = planVolumes({ profile, rootDisk: disk, rootLayout: layout, data, encrypted }, random);
  const file = volumes.report.length === 0 ? {} : { volumes: volumes.file };
  const made = madeOn(layout, mirror);
  return {
    kind: "planned",
    steps: [
      loadDrivers(input.firmware, encrypted, mirror !== undefined),
      ...fetchLoaderSteps(signedLoader),
      step("checkDisk", 60, { kind: "checkDisk", disk: identity }),
      ...(mirror === undefined ? [] : [step("checkMirrorDisk", 60, { kind: "checkDisk", disk: mirror.disk })]),
      ...data.map((each) => step("checkDataDisk", 60, { kind: "checkDisk", disk: identityOf(each.disk) })),
      ...destructionSteps(input.firmware, destructionOf(input)),
      ...keySteps(root),
      ...partitionSteps({ layout, root, ...(mirror === undefined ? {} : { mirror }) }, identity),
      ...fileSystemSteps(layout, root, mirror),
      ...volumes.steps,
      ...[layout, ...(mirror === undefined ? [] : [mirror.layout])].flatMap((each, index) =>
        loaderSteps(each, {
          ...{
            signed: signedLoader,
            architecture: input.architecture ?? defaultArchitecture,
            place: loaderTargets[index],
          },
          ...(measuring === undefined ? {} : { measuring: measuring.path }),
        }),
      ),
      ...populateSteps(input, root, { ...made, ...file }),
    ],
    layout,
    root,
    ...{ bootPartUuid: made.bootPartUuid, ...file },
    ...(made.espPartUuid === undefined ? {} : { espPartUuid: made.espPartUuid }),
    ...(made.mirrorBootPartUuid === undefined ? {} : { mirrorBootPartUuid: made.mirrorBootPartUuid }),
    storage: {
      rootDisk: {
        ...identity,
        why: input.diskWhy,
        recognition: recognitionOf(disk, input.disks),
        ...(disk.biosDrive === undefined ? {} : { biosDrive: disk.biosDrive }),
      },
      disks: input.disks.map(identityOf),
      ...(profile === undefined ? {} : { layout: profile.name }),
      ...(mirror === undefined ? {} : { mirrorDisk: mirror.disk }),
      ...(volumes.report.length === 0 ? {} : { volumes: volumes.report }),
      encryption:
        keyPlace.kind === "none"
          ? { kind: "none", reason: keyPlace.reason }
          : { kind: "luks2", keyIn: keyPlace.kind, ...(sealing === undefined ? {} : { sealing }) },
    },
  };
}

/** How the root is found and opened. */
function rootVolume(
  { keyPlace }: InstallInput,
  made: {
    readonly layout: Layout;
    readonly mirror: RootMirror | undefined;
    readonly measuring: MeasuringLoader | undefined;
  },
): RootVolume {
  const { layout, mirror, measuring } = made;
  const seal = measuring === undefined ? {} : { seal: { loaderSha256: measuring.sha256 } };
  const inVariable = { keyVariable: diskKeyVariable, ...seal };
  const inTpm = { tpmIndex: keyIndex };
  const partUuid = partitionFor(layout, "root").uuid;
  const members = mirror && [partUuid, partitionFor(mirror.layout, "root").uuid];
  switch (keyPlace.kind) {
    case "none":
      return members === undefined ? { kind: "plain", partUuid } : { kind: "mirror", members };
    case "uefi-variable":
      return members === undefined
        ? { kind: "luks2", partUuid, ...inVariable }
        : { kind: "mirror", members, luks2: inVariable };
    case "tpm":
      return members === undefined
        ? { kind: "luks2-tpm", partUuid, ...inTpm }
        : { kind: "mirror", members, luks2: inTpm };
  }
}

/** The partitions that start the system, which fstab and the agent name. */
type StartPartitions = Pick<HostFacts, "bootPartUuid" | "espPartUuid" | "mirrorBootPartUuid" | "mirrorEspPartUuid">;

function madeOn(layout: Layout, mirror: RootMirror | undefined): StartPartitions {
  const [esp, second] = [layout, mirror?.layout].map((each) => each?.partitions.find(({ use }) => use === "esp")?.uuid);
  return {
    bootPartUuid: partitionFor(layout, "boot").uuid,
    ...(esp === undefined ? {} : { espPartUuid: esp }),
    ...(mirror === undefined ? {} : { mirrorBootPartUuid: partitionFor(mirror.layout, "boot").uuid }),
    ...(second === undefined ? {} : { mirrorEspPartUuid: second }),
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
  { firmware, sealing, keyPlace }: InstallInput,
  signedLoader: SignedLoader | undefined,
): { readonly sealing?: KeySealing; readonly measuring?: MeasuringLoader } {
  // Only a variable is sealed.
  if (firmware === "bios" || keyPlace.kind === "tpm" || sealing === undefined) return {};
  // Under Debian's loaders, PCR 4 has the kernel, too.
  if (signedLoader !== undefined) return { sealing: "debian-loaders" };
  if (sealing.kind === "impossible") return { sealing: sealing.cause };
  return { sealing: "asked", measuring: sealing.loader };
}

/** What is destroyed: by the operator's wish, by the layout, and of former data disks only what opened them. */
function destructionOf({ disk, data = [], former = [], mirror, formerMirror, erase = {} }: InstallInput): Destruction {
  const { others: wanted = [] } = erase;
  const isAmong = (disks: readonly DiskIdentity[], { path }: DiskIdentity) => disks.some((one) => one.path === path);
  const ofMirror = [mirror, formerMirror].flatMap((each) => each ?? []);
  const all = [...ofMirror, ...data.map((each) => each.disk)].map(identityOf);
  const taken = all.filter((each) => !isAmong(wanted, each));
  const others = [...wanted, ...taken];
  return {
    ...{ ...erase, root: identityOf(disk), others },
    headersOnly: former.map(identityOf).filter((each) => !isAmong(others, each)),
  };
}

function populateSteps(
  input: InstallInput,
  root: RootVolume,
  made: StartPartitions & { readonly volumes?: MachineVolumes },
): readonly Step[] {
  const { volumes } = made;
  const files = hostFiles({ ...input, ...made, rootSource: rootSourceOf(root) });
  const points = volumes?.volumes.flatMap(({ mountPoint }) => mountPoint ?? []) ?? [];
  const directories = [...hostDirectories(made), ...points.map((path) => ({ path, mode: 0o755 }))];
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
    ...(encryptionOf(root) !== undefined || volumes?.swap !== undefined ? [unlock] : []),
    step("sync", 300, { kind: "sync" }, "populated"),
  ];
}
