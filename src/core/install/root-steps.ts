import { diskKeyBytes } from "../boot-loader/efi-variable.ts";
import { type DiskIdentity, identityOf } from "../hardware/disk-identity.ts";
import type { Disk } from "../hardware/hardware.ts";
import type { Random } from "../ports.ts";
import { signatureSeconds, tpmKeySeconds } from "./destruction.ts";
import { type Layout, type LayoutInput, partitionFor, planLayout, sfdiskScript } from "./layout.ts";
import { newRoot, onNewRoot, rootArrayName, rootMapperName, rootPaths } from "./paths.ts";
import { encryptionOf, type RootEncryption, type RootVolume } from "./root-volume.ts";
import { type KeySource, type NewMember, type Step, step } from "./step.ts";

/** The second disk of a mirrored root: laid out as the root disk is. */
export type RootMirror = {
  readonly disk: DiskIdentity;
  readonly layout: Layout;
  /** The root partitions of both disks. */
  readonly members: readonly NewMember[];
};

/** The layouts of the root disk and of its mirror. The smaller of the two disks counts. */
export function planRootLayouts(
  input: LayoutInput,
  mirror: Disk | undefined,
  random: Random,
): { readonly layout: Layout; readonly mirror?: RootMirror } {
  if (mirror === undefined) return { layout: planLayout(input, random) };
  const sizeBytes = Math.min(input.disk.sizeBytes, mirror.sizeBytes);
  const layouts = [input.disk, mirror].map(({ path }) => planLayout({ ...input, disk: { path, sizeBytes } }, random));
  const arrayId = random.bytes(16);
  const members = layouts.map((each): NewMember => {
    const { path, sectorCount } = partitionFor(each, "root");
    return { path, arrayId, memberId: random.bytes(16), partitionBytes: sectorCount * each.sectorBytes };
  });
  const [layout, second] = layouts as [Layout, Layout];
  return { layout, mirror: { disk: identityOf(mirror), layout: second, members } };
}

/** Makes the key of an encrypted root. */
export function keySteps(root: RootVolume): readonly Step[] {
  const encryption = encryptionOf(root);
  if (encryption === undefined) return [];
  const byteCount = diskKeyBytes;
  return encryption.tpmIndex === undefined
    ? [step("makeKeys", 60, { kind: "makeKey", variable: encryption.keyVariable, byteCount }, "keysMade")]
    : [step("makeKeys", tpmKeySeconds, { kind: "makeTpmKey", byteCount }, "keysMade")];
}

/** Partitions the root disk, and its mirror, and opens the root's device. The mirror's old signatures are gone already. */
export function partitionSteps(
  { layout, root, mirror }: { readonly layout: Layout; readonly root: RootVolume; readonly mirror?: RootMirror },
  disk: DiskIdentity,
): readonly Step[] {
  const encryption = encryptionOf(root);
  const steps = [
    step("eraseSignatures", signatureSeconds, { kind: "eraseSignatures", disk }),
    step("partition", 120, partition(disk, layout)),
    ...(mirror === undefined
      ? []
      : [
          step("partitionMirrorDisk", 120, partition(mirror.disk, mirror.layout)),
          step("makeMirror", 120, { kind: "makeMirror", array: rootArrayName, members: mirror.members }),
        ]),
    ...(encryption === undefined
      ? []
      : [
          step("encryptRoot", 180, {
            kind: "encrypt",
            partition: containerOf(layout, root),
            ...keySourceOf(encryption),
            mapperName: rootMapperName,
          }),
        ]),
  ];
  return steps.map((each, index) => (index === steps.length - 1 ? { ...each, reaches: "partitioned" } : each));
}

function keySourceOf({ keyVariable }: RootEncryption): KeySource {
  return keyVariable === undefined ? { inTpm: true } : { variable: keyVariable };
}

function partition(disk: DiskIdentity, layout: Layout) {
  const expect = layout.partitions.map(({ path }) => path);
  return { kind: "partition", disk, script: sfdiskScript(layout), expect } as const;
}

/** The device that holds the root, encrypted or not. */
function containerOf(layout: Layout, root: RootVolume): string {
  return root.kind === "mirror" ? `/dev/${rootArrayName}` : partitionFor(layout, "root").path;
}

/** Creating a file system first discards the whole partition, which takes minutes on some disks. */
const fileSystemSeconds = 900;

/** Makes and mounts the root, and the file systems that start it on each disk. */
export function fileSystemSteps(layout: Layout, root: RootVolume, mirror: RootMirror | undefined): readonly Step[] {
  const device = encryptionOf(root) === undefined ? containerOf(layout, root) : `/dev/mapper/${rootMapperName}`;
  const boot = partitionFor(layout, "boot").path;
  const second = mirror?.layout;
  return [
    step("rootFileSystem", fileSystemSeconds, {
      kind: "makeFileSystem",
      device,
      argv: ["/usr/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-L", "root", device],
    }),
    bootFileSystem(boot),
    step("mountRoot", 60, { kind: "mount", source: device, target: newRoot, type: "ext4" }),
    mountBoot(boot, rootPaths.bootPartition),
    ...efiFileSystem(layout, rootPaths.esp),
    ...(second === undefined
      ? []
      : [
          bootFileSystem(partitionFor(second, "boot").path),
          mountBoot(partitionFor(second, "boot").path, rootPaths.mirrorBootPartition),
          ...efiFileSystem(second, rootPaths.mirrorEsp),
        ]),
  ];
}

function bootFileSystem(device: string): Step {
  // GRUB 2.06 cannot read features that newer versions of mke2fs enable by default.
  const forGrub = ["-O", "^metadata_csum_seed,^orphan_file"];
  const argv = ["/usr/sbin/mke2fs", "-q", "-F", "-t", "ext4", ...forGrub, "-L", "boot", device];
  return step("bootFileSystem", fileSystemSeconds, { kind: "makeFileSystem", device, argv });
}

function mountBoot(source: string, point: string): Step {
  return step("mountBoot", 60, { kind: "mount", source, target: onNewRoot(point), type: "ext4" });
}

function efiFileSystem({ partitions, sectorBytes }: Layout, point: string): readonly Step[] {
  const esp = partitions.find(({ use }) => use === "esp");
  if (esp === undefined) return [];
  // FAT32, which the specification requires for an ESP, starts at 65525 clusters (UEFI 2.10 §13.3); smaller ones get FAT16.
  const bits = esp.sectorCount > 65_600 ? "32" : "16";
  // Larger sectors make fewer clusters: with mkfs's usual four sectors each, 64 MiB are too few even for FAT16.
  const clusters = sectorBytes > 512 ? ["-s", "1"] : [];
  return [
    step("efiFileSystem", fileSystemSeconds, {
      kind: "makeFileSystem",
      device: esp.path,
      argv: ["/usr/sbin/mkfs.vfat", "-F", bits, ...clusters, "-n", "ESP", esp.path],
    }),
    step("mountEfi", 60, { kind: "mount", source: esp.path, target: onNewRoot(point), type: "vfat" }),
  ];
}
