import { unsignedAt } from "../bytes/little-endian.ts";
import { bytesFromText } from "../bytes/text.ts";

/**
 * What mdadm writes on a member of a new RAID 1, version 1.2, with a write-intent bitmap (include/uapi/linux/raid/md_p.h,
 * drivers/md/md.c super_1_load, drivers/md/md-bitmap.h). Its data follows at `mdDataBytes`.
 */
const sectorBytes = 512;
const superblockAt = 4096;
const bitmapAt = 8192;

/** Where the data begins on each member: a mebibyte, so that an old LUKS header stays where the search for them looks. */
export const mdDataBytes = 2 ** 20;

const magic = 0xa92b4efc;
const bitmapMagic = 0x6d746962;
/** MD_FEATURE_BITMAP_OFFSET */
const withBitmap = 1;
/** Numbers of members that fit, as with mdadm: a replaced member gets a new one. */
const mostMembers = 128;
/** MD_DISK_ROLE_SPARE: of the numbers that no member has. */
const noRole = 0xffff;
/** Sectors beyond any: nothing is left to be copied. */
const everything = 0xffffffff;
const firstEvent = 1;
/** A power cut costs the copy of some of these pieces, not of the whole disk. */
const bitmapChunkBytes = 64 * 2 ** 20;
const bitmapSleepSeconds = 5;

/** The facts of one member. */
export type MdMember = {
  /** 16 bytes that all members have in common, and 16 of its own. */
  readonly arrayId: Uint8Array;
  readonly memberId: Uint8Array;
  /** ASCII, 32 characters at most. */
  readonly name: string;
  /** From 0. */
  readonly number: number;
  readonly members: number;
  /** Of the partition of each member: all have the same size. */
  readonly partitionBytes: number;
  readonly nowSeconds: number;
};

/**
 * The first mebibyte of a member, up to its data. The members count as equal from the beginning: what was never written differs,
 * and nothing reads it.
 */
export function mdMemberHead(member: MdMember): Uint8Array {
  const bytes = new Uint8Array(mdDataBytes);
  const dataSectors = Math.floor((member.partitionBytes - mdDataBytes) / sectorBytes);
  if (dataSectors <= 0)
    throw new Error(`a member of a mirror: expected more than 1 MiB, found ${member.partitionBytes}`);
  writeSuperblock(new DataView(bytes.buffer, superblockAt, 256 + 2 * mostMembers), member, dataSectors);
  writeBitmap(new DataView(bytes.buffer, bitmapAt, 256), member, dataSectors);
  return bytes;
}

function writeSuperblock(view: DataView, member: MdMember, dataSectors: number): void {
  const { arrayId, memberId, name, number, members, nowSeconds } = member;
  const put32 = (at: number, value: number) => view.setUint32(at, value, true);
  const put64 = (at: number, value: number) => {
    put32(at, value % 2 ** 32);
    put32(at + 4, Math.floor(value / 2 ** 32));
  };
  const putBytes = (at: number, bytes: Uint8Array) => new Uint8Array(view.buffer, view.byteOffset).set(bytes, at);
  put32(0, magic);
  put32(4, 1);
  put32(8, withBitmap);
  putBytes(16, arrayId);
  putBytes(32, bytesFromText(name).subarray(0, 32));
  put64(64, nowSeconds);
  put32(72, 1); // RAID 1
  put64(80, dataSectors);
  put32(92, members);
  put32(96, (bitmapAt - superblockAt) / sectorBytes);
  put64(128, mdDataBytes / sectorBytes);
  put64(136, dataSectors);
  put64(144, superblockAt / sectorBytes);
  put32(160, number);
  putBytes(168, memberId);
  put64(192, nowSeconds);
  put64(200, firstEvent);
  put32(208, everything);
  put32(212, everything);
  put32(220, mostMembers);
  for (let each = 0; each < mostMembers; each += 1)
    view.setUint16(256 + 2 * each, each < members ? each : noRole, true);
  put32(216, checksum(view));
}

/** calc_sb_1_csum: the sum of all words while this field is zero, with what overflows added. */
function checksum(view: DataView): number {
  let sum = 0;
  for (let at = 0; at < view.byteLength; at += 4) sum += view.getUint32(at, true);
  return ((sum % 2 ** 32) + Math.floor(sum / 2 ** 32)) % 2 ** 32;
}

/** All of its bits are zero: nothing is being written. */
function writeBitmap(view: DataView, { arrayId }: MdMember, dataSectors: number): void {
  const put32 = (at: number, value: number) => view.setUint32(at, value, true);
  put32(0, bitmapMagic);
  put32(4, 4);
  new Uint8Array(view.buffer, view.byteOffset).set(arrayId, 8);
  put32(24, firstEvent);
  put32(32, firstEvent);
  put32(40, dataSectors % 2 ** 32);
  put32(44, Math.floor(dataSectors / 2 ** 32));
  put32(52, bitmapChunkBytes);
  put32(56, bitmapSleepSeconds);
  put32(64, (mdDataBytes - bitmapAt) / sectorBytes);
}

/** Where a member says what each member is, and how often the array has changed: our initrd reads it, too. */
export const mdSays = { roles: superblockAt + 256, events: superblockAt + 200 } as const;

/** Whether a member, by its first 8 KiB, has gone on without the one with this number. */
export function wentOnWithout(head: Uint8Array, number: number): boolean {
  return unsignedAt(head, mdSays.roles + 2 * number, 2) !== number;
}

/**
 * With which of two members, by their first 8 KiB, the array starts. If one went on without the other, the other has older data: the
 * kernel, which compares only the counts of events, takes that for up to date if its count is lower by one, and would mix the data
 * (drivers/md/md.c super_1_validate). If each went on without the other, that with more changes counts.
 */
export function startingMembers(first: Uint8Array, second: Uint8Array): readonly (0 | 1)[] {
  const eventsOf = (head: Uint8Array) => unsignedAt(head, mdSays.events, 8);
  const [firstAlone, secondAlone] = [wentOnWithout(first, 1), wentOnWithout(second, 0)];
  if (firstAlone && secondAlone) return eventsOf(first) >= eventsOf(second) ? [0] : [1];
  if (firstAlone) return [0];
  return secondAlone ? [1] : [0, 1];
}

/** The array that a member belongs to, as 16 bytes; undefined if these bytes, from the beginning of a partition, are of no member. */
export function mdArrayOf(head: Uint8Array): Uint8Array | undefined {
  if (head.length < superblockAt + 256) return undefined;
  const view = new DataView(head.buffer, head.byteOffset + superblockAt);
  if (view.getUint32(0, true) !== magic || view.getUint32(4, true) !== 1) return undefined;
  return head.slice(superblockAt + 16, superblockAt + 32);
}
