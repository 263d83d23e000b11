/** Size of a tar block: headers and the padding of contents. */
export const tarBlock = 512;

/** What a header block says, after pax and GNU extensions have been applied by the reader. */
export type TarHeader = {
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtimeMs: number;
  /** POSIX type flag: `0` file, `1` hard link, `2` symbolic link, `3` character, `4` block, `5` directory, `6` FIFO; `x g L K` extend the next. */
  readonly type: string;
  readonly linkPath: string;
  readonly major: number;
  readonly minor: number;
};

/** Reads a header block (POSIX.1-2001 ustar, GNU's base-256 numbers); undefined for a block of zeros, an Error for a wrong checksum. */
export function readTarHeader(block: Uint8Array): TarHeader | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  const bytes = Buffer.from(block.buffer, block.byteOffset, block.length);
  const sum = bytes.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 32 : byte), 0);
  if (sum !== number(bytes, 148, 8))
    throw new Error("a tar header has a wrong checksum: the archive is damaged, or is no tar archive");
  const isPosix = text(bytes, 257, 6) === "ustar";
  const prefix = isPosix ? text(bytes, 345, 155) : "";
  const name = text(bytes, 0, 100);
  return {
    path: prefix === "" ? name : `${prefix}/${name}`,
    mode: number(bytes, 100, 8) & 0o7777,
    uid: number(bytes, 108, 8),
    gid: number(bytes, 116, 8),
    size: number(bytes, 124, 12),
    mtimeMs: number(bytes, 136, 12) * 1000,
    type: text(bytes, 156, 1) || "0",
    linkPath: text(bytes, 157, 100),
    major: number(bytes, 329, 8),
    minor: number(bytes, 337, 8),
  };
}

function text(bytes: Buffer, offset: number, length: number): string {
  const end = bytes.indexOf(0, offset);
  return utf8(bytes.subarray(offset, end < 0 || end > offset + length ? offset + length : end));
}

function number(bytes: Buffer, offset: number, length: number): number {
  // GNU tar: the top bit marks a big-endian binary number.
  if (((bytes[offset] ?? 0) & 0x80) !== 0) return bytes.readUIntBE(offset + length - 6, 6);
  const digits = bytes
    .toString("latin1", offset, offset + length)
    .replace(/[\0 ]+/g, " ")
    .trim();
  if (!/^[0-7]*$/.test(digits))
    throw new Error(`a tar header holds ${JSON.stringify(digits)} where an octal number belongs`);
  return digits === "" ? 0 : Number.parseInt(digits, 8);
}

/** Names that are not UTF-8 cannot travel in JSON: better refused here than mangled. */
export function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new Error(`the name ${Buffer.from(bytes).toString("latin1")} is not UTF-8`, { cause });
  }
}

/** Records of a pax extended header: `LENGTH KEY=VALUE\n` (POSIX.1-2001 pax). Values of extended attributes may be binary and are left out. */
export function readPaxRecords(bytes: Uint8Array): ReadonlyMap<string, string> {
  const records = new Map<string, string>();
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let offset = 0; offset < data.length; ) {
    const space = data.indexOf(0x20, offset);
    const length = Number(data.toString("latin1", offset, space));
    if (space < 0 || !Number.isInteger(length) || length <= 0 || offset + length > data.length) {
      throw new Error("a pax header of the archive is damaged");
    }
    const record = data.subarray(space + 1, offset + length - 1);
    const equals = record.indexOf(0x3d);
    const key = record.toString("latin1", 0, equals);
    if (!key.startsWith("SCHILY.xattr.") && !key.startsWith("LIBARCHIVE.xattr."))
      records.set(key, utf8(record.subarray(equals + 1)));
    offset += length;
  }
  return records;
}

/** A header with the records of a pax header in the place of what they override. */
export function withPaxRecords(header: TarHeader, records: ReadonlyMap<string, string>): TarHeader {
  const numeric = (key: string, fallback: number) => {
    const value = records.get(key);
    return value === undefined ? fallback : Number(value);
  };
  const mtime = records.get("mtime");
  return {
    ...header,
    path: records.get("path") ?? header.path,
    linkPath: records.get("linkpath") ?? header.linkPath,
    uid: numeric("uid", header.uid),
    gid: numeric("gid", header.gid),
    size: numeric("size", header.size),
    mtimeMs: mtime === undefined ? header.mtimeMs : Math.floor(Number(mtime) * 1000),
  };
}
