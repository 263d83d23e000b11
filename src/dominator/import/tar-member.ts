import type { Header } from "tar-stream";
import type { SourceAttribute } from "../../core/image/attributes/carry.ts";
import { type PaxRecords, paxAttributes, paxNumber, paxText } from "./pax.ts";
import { isNegative, requireNumber, type TarGap, typeFlag } from "./tar-gap.ts";
import { utf8 } from "./utf8.ts";

/** The kinds of member that an image can have. */
const kinds = ["file", "link", "symlink", "character-device", "block-device", "directory", "fifo"] as const;
export type TarKind = (typeof kinds)[number];

/** A member's header, with pax and GNU extensions applied. */
export type TarHeader = {
  readonly path: string;
  readonly kind: TarKind;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtimeMs: number;
  readonly linkPath: string;
  readonly major: number;
  readonly minor: number;
  /** Extended attributes, access control lists included. */
  readonly attributes: readonly SourceAttribute[];
};

/** Numeric fields of a header block, by offset and length (POSIX.1-2001 ustar); for devices also the device numbers. */
const numberFields = [
  [100, 8],
  [108, 8],
  [116, 8],
  [124, 12],
] as const;
const timeField = { offset: 136, length: 12 } as const;
const deviceFields = [
  [329, 8],
  [337, 8],
] as const;

/**
 * The header of a member, from the library's result and from its raw blocks. The library's names are Latin-1, which
 * keeps each byte. Throws an error that names the member for anything that an image cannot have: sparse files, unknown
 * kinds, invalid numbers and sizes.
 */
export function memberHeader(
  headers: Header,
  gap: Extract<TarGap, { kind: "member" }>,
  inherited: PaxRecords,
): TarHeader {
  const { block, local } = gap;
  const records = new Map([...inherited, ...local]);
  const path = paxText(local, "path") ?? utf8(Buffer.from(headers.name, "latin1"));
  const flag = typeFlag(block);
  if (flag === "S" || [...records.keys()].some((keyword) => keyword.startsWith("GNU.sparse.")))
    throw new Error(`${path} is stored as a sparse file; make the archive without --sparse`);
  const kind = kindOf(headers, path, flag);
  const isDevice = kind === "character-device" || kind === "block-device";
  for (const [offset, length] of isDevice ? [...numberFields, ...deviceFields] : numberFields)
    requireNumber(block, offset, length);
  paxNumber(local, "size", "count");
  const header: TarHeader = {
    path,
    kind,
    mode: count(path, "mode", headers.mode) & 0o7777,
    uid: paxNumber(records, "uid", "count") ?? count(path, "owner", headers.uid),
    gid: paxNumber(records, "gid", "count") ?? count(path, "group", headers.gid),
    size: kind === "directory" ? 0 : count(path, "size", headers.size),
    mtimeMs: paxTimeMs(records) ?? timeMs(headers, block),
    linkPath: paxText(local, "linkpath") ?? utf8(Buffer.from(headers.linkname ?? "", "latin1")),
    major: isDevice ? count(path, "device number", headers.devmajor) : 0,
    minor: isDevice ? count(path, "device number", headers.devminor) : 0,
    attributes: paxAttributes(records),
  };
  if (kind !== "file" && header.size !== 0)
    throw new Error(`${path}: expected a ${kind} without content, found ${header.size} bytes`);
  return header;
}

/** Throws if records for all following members contain facts that only one can have. */
export function requireShareable(records: PaxRecords): void {
  const wrong = ["path", "linkpath", "size"].find((keyword) => records.has(keyword));
  if (wrong !== undefined)
    throw new Error(`a global pax header sets ${wrong} for all members; the archive is damaged, make it again`);
}

function kindOf({ name, type }: Header, path: string, flag: string): TarKind {
  // Archives from before POSIX mark a directory by its name only.
  if (type === "file" && name.endsWith("/")) return "directory";
  if (type === "contiguous-file") return "file";
  const kind = kinds.find((each) => each === type);
  if (kind === undefined)
    throw new Error(
      `${path}: expected a file, directory, link, device or pipe, found the kind ${JSON.stringify(flag)}; leave it out of the archive`,
    );
  return kind;
}

function count(path: string, what: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new Error(`${path}: expected a whole number as ${what}, found ${value}`);
  return value;
}

/** From the digits: as a floating-point number, 1700000000.123 s would become 122 ms. */
function paxTimeMs(records: PaxRecords): number | undefined {
  if (paxNumber(records, "mtime", "time") === undefined) return undefined;
  const [, sign, whole, fraction = ""] = /^(-?)(\d+)(?:\.(\d*))?$/.exec(paxText(records, "mtime") ?? "") ?? [];
  const ms = Number(whole) * 1000 + Number(fraction.slice(0, 3).padEnd(3, "0"));
  if (sign !== "-") return ms;
  return -ms - (/[1-9]/.test(fraction.slice(3)) ? 1 : 0);
}

/** The library is off by one second before 1970. */
function timeMs({ mtime }: Header, block: Buffer): number {
  const { offset, length } = timeField;
  if (isNegative(block, offset)) return block.readIntBE(offset + length - 6, 6) * 1000;
  requireNumber(block, offset, length);
  const ms = mtime.getTime();
  if (!Number.isSafeInteger(ms)) throw new Error(`tar header: expected a representable time, found ${ms} ms`);
  return ms;
}
