import { diskKeyBytes, diskKeyVariable, variableValueAt } from "../../../src/core/boot-loader/efi-variable.ts";
import type { Board } from "./board.ts";
import { runGrub, textIn } from "./grub.ts";
import { type GrubPcrs, measuredByGrub, notExtended } from "./measured-boot.ts";
import { type BlockDevice, type Disk, windowOn } from "./storage/block-device.ts";
import type { FileSystem } from "./storage/file-system.ts";
import { findFileSystem, luksDataOffset, openLuks, readPartitionTable } from "./storage/on-disk.ts";

/** The result of firmware, GRUB and initrd booting from a machine's disks. */
export type DiskBoot =
  | {
      readonly kind: "boots";
      readonly root: FileSystem;
      readonly boot: FileSystem;
      readonly release: string;
      readonly commandLine: string;
      readonly pcrs: GrubPcrs;
    }
  | { readonly kind: "nothingToBoot"; readonly why: string };

/** A kernel that GRUB starts, and what becomes of it. */
export type BootTrouble = (started: { readonly release: string; readonly commandLine: string }) => "panics" | "runs";

/** The limit of starts after panics: more than any fallback needs. */
const mostStarts = 4;

/**
 * Boots the first disk that has a boot partition of ours, as far as this can be judged without running it. A kernel that panics
 * restarts the machine (panic=30), which then is sent to its disk again.
 */
export function bootFromDisk(board: Board, trouble: BootTrouble = () => "runs"): DiskBoot {
  for (let starts = 0; starts < mostStarts; starts += 1) {
    const boot = startFromDisk(board);
    if (boot.kind === "nothingToBoot" || trouble(boot) === "runs") return boot;
  }
  return { kind: "nothingToBoot", why: `${mostStarts} kernels in a row panicked` };
}

function startFromDisk(board: Board): DiskBoot {
  let why = "no disk has a partition table";
  for (const disk of board.disks.values()) {
    const parts = partitionsOf(disk);
    if (parts.length === 0) continue;
    const found = bootPartitions(board, parts);
    if (found.kind === "boots") return found;
    why = `${disk.name}: ${found.why}`;
  }
  return { kind: "nothingToBoot", why };
}

type Part = { readonly uuid: string; readonly device: BlockDevice };

function partitionsOf(disk: Disk): readonly Part[] {
  return readPartitionTable(disk).map(({ number, first, count, uuid }) => {
    const part = {
      name: `${disk.name}-${number}`,
      offset: first * disk.sectorBytes,
      sizeBytes: count * disk.sectorBytes,
    };
    return { uuid, device: windowOn(disk, part) };
  });
}

function bootPartitions(board: Board, parts: readonly Part[]): DiskBoot {
  const dead = (why: string): DiskBoot => ({ kind: "nothingToBoot", why });
  const bootDevice = parts[1]?.device;
  const boot = bootDevice && findFileSystem(board, bootDevice, "ext4");
  if (boot === undefined) return dead("the boot partition has no file system");
  const pcrs = board.facts.grubMeasures ? measuredByGrub(boot, { canWrite: board.facts.grubWrites }) : notExtended;
  const started = runGrub(boot, { canWrite: board.facts.grubWrites });
  if (typeof started === "string") return dead(started);
  const { release, source, commandLine } = started;
  const root = openRoot(board, parts, source);
  if (typeof root === "string") return dead(root);
  if (textIn(root, "/usr/local/sbin/birther-agent") === undefined) return dead("the root has no sub");
  return { kind: "boots", root, boot, release, commandLine, pcrs };
}

function openRoot(board: Board, parts: readonly Part[], source: string): FileSystem | string {
  const plain = parts.find(({ uuid }) => source === `PARTUUID=${uuid}`);
  if (plain !== undefined)
    return findFileSystem(board, plain.device, "ext4") ?? "the root partition has no file system";
  const device = parts[2]?.device;
  const number = board.nvram.root.entries.get(diskKeyVariable);
  if (device === undefined || number === undefined) return "there is no key in NVRAM";
  const stored = board.nvram.get(number);
  const pad = openLuks(device, stored.data.subarray(variableValueAt, variableValueAt + diskKeyBytes));
  if (typeof pad === "string") return `the root does not open: ${pad}`;
  const part = { name: "root", offset: luksDataOffset, sizeBytes: device.sizeBytes - luksDataOffset, pad };
  return findFileSystem(board, windowOn(device, part), "ext4") ?? "the opened root has no file system";
}
