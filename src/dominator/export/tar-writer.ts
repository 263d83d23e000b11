import type { Attributes } from "../../core/image/attributes/attributes.ts";
import { fileType, type Inode } from "../../core/image/tree.ts";

const block = 512;
/** Type flags of POSIX.1-2001 ustar. */
const flags = { file: "0", link: "1", symlink: "2", character: "3", block: "4", directory: "5", fifo: "6", pax: "x" };

/** A member of an archive: a path of an image, or another name of one that was written before. */
export type Member = { readonly path: string; readonly inode: Inode; readonly linkTo?: string };

type Header = {
  readonly name: string;
  readonly flag: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly seconds: number;
  readonly linkName: string;
  readonly major: number;
  readonly minor: number;
};

/**
 * The blocks before the content of a member: a pax header with what ustar has no room for (names of any length, milliseconds,
 * large numbers, extended attributes), and the header itself.
 */
export function memberBlocks(member: Member): Buffer {
  const header = headerOf(member);
  const records = paxRecords(member, header);
  const own = headerBlock(header);
  if (records.length === 0) return own;
  const pax = headerBlock({
    ...{ name: "PaxHeader", flag: flags.pax, mode: 0o644, uid: 0, gid: 0 },
    ...{ size: records.length, seconds: 0, linkName: "", major: 0, minor: 0 },
  });
  return Buffer.concat([pax, records, padding(records.length), own]);
}

/** Zeros up to the next block. */
export function padding(bytes: number): Buffer {
  return Buffer.alloc((block - (bytes % block)) % block);
}

/** The end of an archive: two blocks of zeros. */
export const endMark = Buffer.alloc(2 * block);

function headerOf({ path, inode, linkTo }: Member): Header {
  const { uid, gid } = inode;
  const base = { name: path.slice(1), uid, gid, size: 0, seconds: 0, linkName: "", major: 0, minor: 0 };
  const mode = inode.kind === "symlink" ? 0o777 : inode.mode & 0o7777;
  if (linkTo !== undefined) return { ...base, mode, flag: flags.link, linkName: linkTo.slice(1) };
  switch (inode.kind) {
    case "directory":
      return { ...base, mode, name: `${base.name}/`, flag: flags.directory };
    case "symlink":
      return { ...base, mode, flag: flags.symlink, linkName: inode.target };
    case "regular":
      return {
        ...base,
        mode,
        flag: flags.file,
        size: inode.size,
        seconds: Math.max(0, Math.floor(inode.mtimeMs / 1000)),
      };
    case "special":
      return { ...base, mode, flag: specialFlag(path, inode.mode), ...deviceOf(inode.rdev) };
  }
}

function specialFlag(path: string, mode: number): string {
  switch (mode & fileType.mask) {
    case fileType.character:
      return flags.character;
    case fileType.block:
      return flags.block;
    case fileType.fifo:
      return flags.fifo;
    default:
      throw new Error(`${path}: expected a device or FIFO, found the type ${(mode & fileType.mask).toString(8)}`);
  }
}

/** dev_t as in stat(2) (glibc's major and minor). */
function deviceOf(rdev: number): { readonly major: number; readonly minor: number } {
  return { major: Math.floor(rdev / 0x100) & 0xfff, minor: (rdev & 0xff) + Math.floor(rdev / 0x100000) * 0x100 };
}

const largest = { id: 0o7777777, size: 0o77777777777 } as const;

function paxRecords({ inode, linkTo }: Member, header: Header): Buffer {
  const { name, linkName, uid, gid, size } = header;
  const records: Buffer[] = [];
  const add = (keyword: string, value: string | Buffer) => void records.push(paxRecord(keyword, Buffer.from(value)));
  if (!fits(name)) add("path", name);
  if (!fits(linkName)) add("linkpath", linkName);
  if (uid > largest.id) add("uid", String(uid));
  if (gid > largest.id) add("gid", String(gid));
  if (size > largest.size) add("size", String(size));
  if (inode.kind === "regular" && linkTo === undefined) add("mtime", secondsText(inode.mtimeMs));
  if (inode.kind !== "symlink" && linkTo === undefined) addAttributes(add, inode.attributes);
  return Buffer.concat(records);
}

function addAttributes(add: (keyword: string, value: Buffer) => void, attributes: Attributes = []): void {
  for (const [name, value] of attributes) add(`SCHILY.xattr.${name}`, Buffer.from(value, "hex"));
}

/** Whether a name fits into a field of ustar as it is. */
function fits(name: string): boolean {
  return name.length <= 100 && /^[\x20-\x7e]*$/.test(name);
}

function secondsText(ms: number): string {
  const whole = Math.trunc(Math.abs(ms) / 1000);
  const rest = String(Math.abs(ms) % 1000).padStart(3, "0");
  return `${ms < 0 ? "-" : ""}${whole}.${rest}`;
}

/** `LENGTH KEYWORD=VALUE\n`; the length counts its own digits. */
function paxRecord(keyword: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${keyword}=`), value, Buffer.from("\n")]);
  let length = rest.length;
  while (length !== rest.length + String(length).length) length = rest.length + String(length).length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function headerBlock(header: Header): Buffer {
  const bytes = Buffer.alloc(block);
  const text = (at: number, width: number, value: string) =>
    void bytes.write((fits(value) ? value : "see the pax header").slice(0, width), at, "latin1");
  const octal = (at: number, width: number, value: number, most: number) =>
    void bytes.write(
      `${Math.min(value, most)
        .toString(8)
        .padStart(width - 1, "0")}\0`,
      at,
      "latin1",
    );
  text(0, 100, header.name);
  octal(100, 8, header.mode, 0o7777);
  octal(108, 8, header.uid, largest.id);
  octal(116, 8, header.gid, largest.id);
  octal(124, 12, header.size, largest.size);
  octal(136, 12, header.seconds, largest.size);
  bytes.write("        ", 148, "latin1");
  bytes.write(header.flag, 156, "latin1");
  text(157, 100, header.linkName);
  bytes.write("ustar\x0000", 257, "latin1");
  octal(329, 8, header.major, largest.id);
  octal(337, 8, header.minor, largest.id);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return bytes;
}
