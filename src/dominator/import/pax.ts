import type { SourceAttribute } from "../../core/image/attributes/carry.ts";
import { utf8 } from "./utf8.ts";

/** Records of a pax extended header by keyword; values as bytes, because those of extended attributes may be binary. */
export type PaxRecords = ReadonlyMap<string, Uint8Array>;

/** Reads `LENGTH KEYWORD=VALUE\n` records (POSIX.1-2001 pax). Throws if the lengths do not fit. */
export function readPaxRecords(bytes: Uint8Array): PaxRecords {
  const records = new Map<string, Uint8Array>();
  for (let offset = 0; offset < bytes.length; ) {
    const space = bytes.indexOf(0x20, offset);
    const digits = space < 0 ? "" : text(bytes.subarray(offset, space));
    const end = offset + Number(digits);
    const equals = bytes.indexOf(0x3d, space);
    if (!/^[1-9]\d{0,6}$/.test(digits) || end > bytes.length || equals < 0 || equals >= end || bytes[end - 1] !== 0x0a)
      throw new Error("a pax header of the archive is damaged; make the archive again");
    records.set(text(bytes.subarray(space + 1, equals)), bytes.subarray(equals + 1, end - 1));
    offset = end;
  }
  return records;
}

/** A record as text, or undefined; throws if it is not UTF-8. */
export function paxText(records: PaxRecords, keyword: string): string | undefined {
  const value = records.get(keyword);
  return value === undefined ? undefined : utf8(value);
}

/** A record as a number, or undefined; throws if it is not one. `fraction`: of a second, in times. */
export function paxNumber(records: PaxRecords, keyword: string, form: "count" | "time"): number | undefined {
  const value = paxText(records, keyword);
  if (value === undefined) return undefined;
  if (!(form === "count" ? /^\d{1,15}$/ : /^-?\d{1,12}(\.\d*)?$/).test(value))
    throw new Error(`pax header: ${keyword}=${JSON.stringify(value)}: expected a number`);
  return Number(value);
}

/**
 * The extended attributes of a member in whatever form its archiver wrote: `SCHILY.xattr.NAME` (GNU tar, bsdtar, Go), else
 * `LIBARCHIVE.xattr.NAME` (the name percent-encoded, the value in base64), and access control lists as text.
 */
export function paxAttributes(records: PaxRecords): readonly SourceAttribute[] {
  const found = new Map<string, Uint8Array | string>();
  for (const [keyword, value] of records) {
    const name = /^LIBARCHIVE\.xattr\.(.+)$/s.exec(keyword)?.[1];
    if (name !== undefined) found.set(decodedName(name), new Uint8Array(Buffer.from(text(value), "base64")));
    const list = /^SCHILY\.acl\.(access|default)$/.exec(keyword)?.[1];
    if (list !== undefined) found.set(`system.posix_acl_${list}`, text(value));
  }
  for (const [keyword, value] of records) {
    const name = /^SCHILY\.xattr\.(.+)$/s.exec(keyword)?.[1];
    if (name !== undefined) found.set(name, new Uint8Array(value));
  }
  return [...found].map(([name, value]) => ({ name, value }));
}

function decodedName(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name; // An invalid escape: no name that is carried.
  }
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
}
