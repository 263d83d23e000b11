import { type DiskIdentity, identityOf } from "../hardware/disk-identity.ts";
import type { Disk } from "../hardware/hardware.ts";
import type { VolumeReport } from "../machine/storage.ts";
import type { Random } from "../ports.ts";
import type { DataDisk } from "./data-disks.ts";
import { type ExtraPartition, type Layout, planDataLayout, sfdiskScript, volumePartition } from "./layout.ts";
import type { LayoutProfile } from "./layout-profile.ts";
import { type MachineVolume, type MachineVolumes, mapperNameOf, swapName, volumeKeyBytes } from "./machine-volumes.ts";
import { onNewRoot, rootPaths } from "./paths.ts";
import { type Step, step } from "./step.ts";
import { makingCommand } from "./volume-file-system.ts";

/** The volumes of a machine beside its root. */
export type VolumePlan = {
  /** Makes the volumes, once the root is mounted: their keys are files on it. */
  readonly steps: readonly Step[];
  readonly file: MachineVolumes;
  readonly report: readonly VolumeReport[];
};

type Volume = Pick<MachineVolume, "name" | "partUuid" | "fileSystem" | "mountPoint"> & {
  readonly disk: DiskIdentity;
  readonly path: string;
  readonly sizeMiB: number;
  /** What is done to its disk before. */
  readonly before: readonly Step[];
};

/** mke2fs leaves most of a large file system to the kernel, which writes it later. */
const fileSystemSeconds = 900;
const mebibyte = 2 ** 20;

/** The partitions that a profile adds to the root disk. */
export function extraPartitions(profile: LayoutProfile | undefined): readonly ExtraPartition[] {
  if (profile === undefined) return [];
  const swap = profile.swapMiB === 0 ? [] : [{ name: swapName, sizeMiB: profile.swapMiB }];
  return [...swap, ...profile.volumes];
}

/** The inputs of `planVolumes`. */
export type VolumeInput = {
  readonly profile: LayoutProfile | undefined;
  readonly rootDisk: Disk;
  readonly rootLayout: Layout;
  readonly data: readonly DataDisk[];
  /** Whether the root is: only there are keys safe. */
  readonly encrypted: boolean;
};

/**
 * The volumes on the root disk and the data disks. An encrypted machine keeps the key of each in a file on its encrypted root: what
 * opens the root at a boot opens them all, and without the root's key nothing does.
 */
export function planVolumes(
  { profile, rootDisk, rootLayout, data, encrypted }: VolumeInput,
  random: Random,
): VolumePlan {
  const disk = identityOf(rootDisk);
  const onRoot = (profile?.volumes ?? []).map(({ name, sizeMiB, ...made }): Volume => {
    const { path, uuid } = volumePartition(rootLayout, name);
    return { ...made, name, sizeMiB, disk, path, partUuid: uuid, before: [] };
  });
  const volumes = [...onRoot, ...data.map((each) => dataVolume(each, random))];
  const swapMiB = profile?.swapMiB ?? 0;
  const swap = swapMiB === 0 ? {} : { swap: { partUuid: volumePartition(rootLayout, swapName).uuid } };
  return {
    steps: volumes.flatMap((volume) => [...volume.before, ...makeSteps(volume, encrypted)]),
    file: { ...swap, volumes: volumes.map((volume) => inFile(volume, encrypted)) },
    report: [...(swapMiB === 0 ? [] : [{ name: swapName, disk, sizeMiB: swapMiB }]), ...volumes.map(inReport)],
  };
}

function dataVolume({ disk, name, rule, mountPoint }: DataDisk, random: Random): Volume {
  const layout = planDataLayout({ name, disk, sectorBytes: disk.sectorBytes ?? 512 }, random);
  const { path, uuid, sectorCount } = volumePartition(layout, name);
  const identity = identityOf(disk);
  const script = sfdiskScript(layout);
  return {
    ...{ name, path, partUuid: uuid, disk: identity, fileSystem: rule.fileSystem },
    ...(mountPoint === undefined ? {} : { mountPoint }),
    sizeMiB: Math.floor((sectorCount * layout.sectorBytes) / mebibyte),
    before: [step("partitionDataDisk", 120, { kind: "partition", disk: identity, script, expect: [path] })],
  };
}

function keyFileOf(name: string): string {
  return `${rootPaths.volumeKeys}/${name}.key`;
}

function makeSteps({ name, path, fileSystem }: Volume, encrypted: boolean): readonly Step[] {
  const keyFile = onNewRoot(keyFileOf(name));
  const mapperName = mapperNameOf(name);
  const device = encrypted ? `/dev/mapper/${mapperName}` : path;
  const encrypt = [
    step("makeVolumeKey", 60, { kind: "makeKeyFile", path: keyFile, byteCount: volumeKeyBytes }),
    step("encryptVolume", 180, { kind: "encrypt", partition: path, mapperName, keyFile }),
  ];
  return [
    ...(encrypted ? encrypt : []),
    ...(fileSystem === "none"
      ? []
      : [
          step("volumeFileSystem", fileSystemSeconds, {
            kind: "makeFileSystem",
            device,
            argv: makingCommand(fileSystem, { device, name, encrypted }),
          }),
        ]),
  ];
}

function inFile({ name, partUuid, fileSystem, mountPoint }: Volume, encrypted: boolean): MachineVolume {
  return {
    ...{ name, partUuid, fileSystem },
    ...(encrypted ? { keyFile: keyFileOf(name) } : {}),
    ...(mountPoint === undefined ? {} : { mountPoint }),
  };
}

function inReport({ name, disk, sizeMiB, mountPoint }: Volume): VolumeReport {
  return { name, disk, sizeMiB, ...(mountPoint === undefined ? {} : { mountPoint }) };
}
