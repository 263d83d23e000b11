import { createHash } from "node:crypto";
import { bytesFromText } from "../../../../src/core/bytes/text.ts";
import { decodeUtf8, encodeUtf8 } from "../../../../src/core/bytes/utf8.ts";
import type { Board } from "../board.ts";
import type { BlockDevice, Disk } from "./block-device.ts";
import { type FileSystem, makeFileSystem } from "./file-system.ts";

/**
 * The structures that programs write to a disk and that the kernel, or they, read again: partition tables, LUKS headers
 * and superblocks. They are at their real offsets. A partition table is a GPT; the content of the others is JSON after a
 * mark, so that overwriting one destroys it.
 */
type Header = { readonly mark: string; readonly offset: number };

const headerBytes = 2048;
const headers = {
  luks: { mark: "LUKS\u00ba\u00be", offset: 0 },
  ext4: { mark: "ext4", offset: 1024 },
  xfs: { mark: "XFSB", offset: 0 },
  vfat: { mark: "FAT", offset: 0 },
} as const satisfies { readonly [name: string]: Header };

function writeHeader(device: BlockDevice, { mark, offset }: Header, facts: object): void {
  const bytes = new Uint8Array(headerBytes);
  const text = Buffer.concat([bytesFromText(mark), encodeUtf8(`${JSON.stringify(facts)}\n`)]);
  if (text.length > headerBytes) throw new Error(`a header of ${text.length} bytes is too long for the fake disk`);
  bytes.set(text);
  device.write(offset, bytes);
}

function readHeader(device: BlockDevice, { mark, offset }: Header): unknown {
  if (device.sizeBytes < offset + headerBytes) return undefined;
  const bytes = device.read(offset, headerBytes);
  const start = bytesFromText(mark);
  if (start.some((byte, index) => bytes[index] !== byte)) return undefined;
  try {
    return JSON.parse(decodeUtf8(bytes.subarray(start.length, bytes.indexOf(10))));
  } catch {
    return undefined; // Half overwritten.
  }
}

/** A partition in a table. */
export type PartitionRow = {
  readonly number: number;
  readonly first: number;
  readonly count: number;
  readonly uuid: string;
};

const gptMark = "EFI PART";
const entryBytes = 128;

/** Writes a partition table: a GPT without checksums, and without its copy at the end. */
export function writePartitionTable(disk: Disk, rows: readonly PartitionRow[]): void {
  const header = Buffer.alloc(92);
  header.write(gptMark, "latin1");
  header.writeBigUInt64LE(2n, 72);
  header.writeUInt32LE(entryBytes, 80);
  header.writeUInt32LE(entryBytes, 84);
  disk.write(disk.sectorBytes, header);
  const entries = Buffer.alloc(entryBytes * entryBytes);
  for (const { number, first, count, uuid } of rows) {
    const entry = entries.subarray((number - 1) * entryBytes);
    entry.write("0fc63daf84834772", "latin1");
    entry.write(uuid.replaceAll("-", ""), 16, "hex");
    entry.writeBigUInt64LE(BigInt(first), 32);
    entry.writeBigUInt64LE(BigInt(first + count - 1), 40);
  }
  disk.write(2 * disk.sectorBytes, entries);
}

/** Reads the partitions of a disk; empty if there is no table. */
export function readPartitionTable(disk: Disk): readonly PartitionRow[] {
  if (Buffer.from(disk.read(disk.sectorBytes, gptMark.length)).toString("latin1") !== gptMark) return [];
  const entries = Buffer.from(disk.read(2 * disk.sectorBytes, entryBytes * entryBytes));
  return Array.from({ length: entryBytes }, (_, index) => {
    const entry = entries.subarray(index * entryBytes);
    const [first, last] = [32, 40].map((at) => Number(entry.readBigUInt64LE(at))) as [number, number];
    const uuid = entry.toString("hex", 16, 32).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
    return { number: index + 1, first, count: last - first + 1, uuid };
  }).filter(({ first }) => first > 0);
}

/** Wipes the offsets that blkid(8) reads. */
export function wipeSignatures(device: BlockDevice): void {
  device.write(0, new Uint8Array(Math.min(device.sizeBytes, 2 * headerBytes)));
}

/** The offset of the data in LUKS2. */
export const luksDataOffset = 16 * 2 ** 20;

/** Makes a LUKS volume for this key. */
export function writeLuksHeader(device: BlockDevice, key: Uint8Array, uuid: string): void {
  writeHeader(device, headers.luks, { uuid, keyHash: padOf(key, uuid).toString("hex").slice(0, 32) });
}

/** The pattern that dm-crypt applies to the bytes, or why the key does not open the volume. */
export function openLuks(device: BlockDevice, key: Uint8Array): Uint8Array | "noVolume" | "wrongKey" {
  const found = readHeader(device, headers.luks);
  if (typeof found !== "object" || found === null || !("uuid" in found) || !("keyHash" in found)) return "noVolume";
  const pad = padOf(key, String(found.uuid));
  return pad.toString("hex").startsWith(String(found.keyHash)) ? new Uint8Array(pad) : "wrongKey";
}

function padOf(key: Uint8Array, uuid: string): Buffer {
  return createHash("sha512").update(key).update(uuid).digest();
}

/** Types of file systems on disks. */
export type DiskFileSystem = "ext4" | "vfat" | "xfs";

/** Makes an empty file system on a device and replaces its previous contents. */
export function formatDevice(board: Board, device: BlockDevice, type: DiskFileSystem): void {
  const id = board.fileSystems.size + 1;
  board.fileSystems.set(id, makeFileSystem({ type, onDisk: true, capacityBytes: Math.floor(device.sizeBytes * 0.9) }));
  wipeSignatures(device);
  writeHeader(device, headers[type], { id });
}

/** The file system on a device; undefined if there is none of this type. */
export function findFileSystem(board: Board, device: BlockDevice, type: string): FileSystem | undefined {
  const found = type === "ext4" || type === "vfat" || type === "xfs" ? readHeader(device, headers[type]) : undefined;
  if (typeof found !== "object" || found === null || !("id" in found)) return undefined;
  return board.fileSystems.get(Number(found.id));
}
