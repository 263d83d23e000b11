import { createHash, randomBytes } from "node:crypto";
import {
  diskKeyBytes,
  diskKeyVariable,
  sealedKeyVariable,
  variableValue,
} from "../../../src/core/boot-loader/efi-variable.ts";
import { tpmKeyOption } from "../../../src/core/image/boot/unlock.ts";
import { mdArrayOf, mdDataBytes } from "../../../src/core/install/md-superblock.ts";
import type { TpmDialogue } from "../../../src/core/tpm/dialogue.ts";
import { lockKey, readKey } from "../../../src/core/tpm/nv-key.ts";
import { readResponse } from "../../../src/core/tpm/response.ts";
import { unsealKey } from "../../../src/core/tpm/seal-session.ts";
import { readSealedKey } from "../../../src/core/tpm/sealed-key.ts";
import type { Board } from "./board.ts";
import { measuringGrub } from "./bootstrap-root.ts";
import type { FakeTpm } from "./devices/tpm.ts";
import { runGrub, textIn } from "./grub.ts";
import { type BootPcrs, measuredByFirmware, measuredByGrub, notExtended } from "./measured-boot.ts";
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
      readonly pcrs: BootPcrs;
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
  const { grubMeasures, grubWrites: canWrite, grubUsesStub: usesStub } = board.facts;
  const grub = grubMeasures ? measuredByGrub(boot, { canWrite, usesStub }) : notExtended;
  const pcrs = { pcr4: measuredByFirmware(measuringGrub(), board.facts.failedEntries), ...grub };
  const started = runGrub(boot, { canWrite });
  if (typeof started === "string") return dead(started);
  const { release, source, commandLine, unlock } = started;
  const root = openRoot(board, parts, { source, pcrs, unlock });
  if (typeof root === "string") return dead(root);
  if (textIn(root, "/usr/local/sbin/birther-agent") === undefined) return dead("the root has no sub");
  return { kind: "boots", root, boot, release, commandLine, pcrs };
}

function openRoot(
  board: Board,
  parts: readonly Part[],
  { source, pcrs, unlock }: { readonly source: string; readonly pcrs: BootPcrs; readonly unlock: string },
): FileSystem | string {
  const plain = parts.find(({ uuid }) => source === `PARTUUID=${uuid}`);
  if (plain !== undefined)
    return findFileSystem(board, plain.device, "ext4") ?? "the root partition has no file system";
  const device = parts[2] && containerIn(parts[2].device);
  if (source === "/dev/md127")
    return (device && findFileSystem(board, device, "ext4")) ?? "the root's array has no file system";
  const key = unlock.includes(`agent.js ${tpmKeyOption} |`)
    ? keyInTpm(board)
    : (variableOf(board, diskKeyVariable)?.subarray(0, diskKeyBytes) ?? unsealed(board, pcrs));
  if (device === undefined || typeof key === "string") return String(key);
  const pad = openLuks(device, key);
  if (typeof pad === "string") return `the root does not open: ${pad}`;
  const part = { name: "root", offset: luksDataOffset, sizeBytes: device.sizeBytes - luksDataOffset, pad };
  return findFileSystem(board, windowOn(device, part), "ext4") ?? "the opened root has no file system";
}

/** A member's data, as its array has it; a partition that is none is the container itself. */
function containerIn(device: BlockDevice): BlockDevice {
  if (mdArrayOf(device.read(0, 8192)) === undefined) return device;
  return windowOn(device, { name: "member", offset: mdDataBytes, sizeBytes: device.sizeBytes - mdDataBytes });
}

function variableOf(board: Board, name: string): Uint8Array | undefined {
  const number = board.nvram.root.entries.get(name);
  if (number === undefined) return undefined;
  const { data, size } = board.nvram.get(number);
  return variableValue(data.subarray(0, size));
}

/** The key as the second initrd unseals it, or what it says on the console. */
function unsealed(board: Board, pcrs: BootPcrs): Uint8Array | string {
  const content = variableOf(board, sealedKeyVariable);
  if (content === undefined) return "there is no key in NVRAM";
  const sealed = readSealedKey(content);
  const { tpm } = board.facts;
  if (sealed === undefined || tpm === undefined) return "the key is sealed to a TPM that is not there";
  tpm.measured(new Map(Object.entries(pcrs).map(([name, value]) => [Number(name.slice(3)), value])));
  const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash("sha256").update(bytes).digest());
  try {
    const found = hold(tpm, unsealKey(sealed, new Uint8Array(randomBytes(32)), sha256));
    return found.kind === "opened" ? found.key : `the sealed key is closed by PCR ${found.pcrs.join(" and ")}`;
  } catch (error) {
    return `the sealed key does not open: ${String(error)}`;
  }
}

/** The key as the second initrd reads it from the TPM, which it locks then. */
function keyInTpm({ facts: { tpm } }: Board): Uint8Array | string {
  if (tpm === undefined) return "there is no TPM";
  tpm.nv.startAnew();
  try {
    const key = hold(tpm, readKey(diskKeyBytes));
    hold(tpm, lockKey());
    return key;
  } catch (error) {
    return String(error);
  }
}

function hold<Result>(tpm: FakeTpm, dialogue: TpmDialogue<Result>): Result {
  const device = tpm.open("the initrd's TPM");
  let step = dialogue.next();
  while (step.done !== true) {
    device.write?.(step.value.bytes);
    const buffer = new Uint8Array(4096);
    const response = readResponse(buffer.slice(0, device.read?.(buffer)));
    if (response.kind === "misshapen") throw new Error(step.value.name);
    step = dialogue.next(response.kind === "success" ? { kind: "done", body: response.body } : response);
  }
  return step.value;
}
