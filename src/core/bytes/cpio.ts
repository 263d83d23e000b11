import { encodeUtf8 } from "./utf8.ts";

/** A member of an archive. Paths have no leading slash; `mode` holds only permission bits; the owner is root. */
export type CpioEntry = { readonly path: string } & (
  | { readonly kind: "file"; readonly mode: number; readonly bytes: Uint8Array }
  | { readonly kind: "directory"; readonly mode: number }
  | { readonly kind: "link"; readonly target: string }
  | { readonly kind: "characterDevice"; readonly mode: number; readonly major: number; readonly minor: number }
);

/** File type bits of st_mode. */
const typeBits = { file: 0o100000, directory: 0o040000, link: 0o120000, characterDevice: 0o020000 } as const;
const align = 4;
const trailerName = "TRAILER!!!";

/** Adds missing parent directories (0755) and sorts, so that a directory comes before its contents. */
export function withParents(entries: readonly CpioEntry[]): readonly CpioEntry[] {
  const byPath = new Map<string, CpioEntry>();
  for (const entry of entries) {
    const parts = entry.path.split("/");
    for (let depth = 1; depth < parts.length; depth += 1) {
      const path = parts.slice(0, depth).join("/");
      if (!byPath.has(path)) byPath.set(path, { kind: "directory", path, mode: 0o755 });
    }
    const there = byPath.get(entry.path);
    if (there !== undefined && there.kind !== "directory") throw new Error(`two entries for ${entry.path}`);
    byPath.set(entry.path, entry);
  }
  return [...byPath.values()].sort((left, right) => (left.path < right.path ? -1 : 1));
}

/**
 * Writes an uncompressed cpio archive in the "newc" format, the only one for an initramfs (kernel:
 * driver-api/early-userspace/buffer-format). The same entries always give the same bytes.
 */
export function writeCpio(entries: readonly CpioEntry[]): Uint8Array {
  const pieces = withParents(entries).flatMap((entry, index) => {
    const isDevice = entry.kind === "characterDevice";
    const content = contentOf(entry);
    const head = header({
      name: entry.path,
      inode: index + 1,
      mode: typeBits[entry.kind] | (entry.kind === "link" ? 0o777 : entry.mode),
      size: content.length,
      links: entry.kind === "directory" ? 2 : 1,
      major: isDevice ? entry.major : 0,
      minor: isDevice ? entry.minor : 0,
    });
    return [head, content];
  });
  return joinPadded([
    ...pieces,
    header({ name: trailerName, inode: 0, mode: 0, size: 0, links: 1, major: 0, minor: 0 }),
  ]);
}

function contentOf(entry: CpioEntry): Uint8Array {
  if (entry.kind === "file") return entry.bytes;
  return entry.kind === "link" ? encodeUtf8(entry.target) : new Uint8Array(0);
}

/** Header and name together, because the padding counts from the start of the header. */
function header(of: {
  readonly name: string;
  readonly inode: number;
  readonly mode: number;
  readonly size: number;
  readonly links: number;
  readonly major: number;
  readonly minor: number;
}): Uint8Array {
  const name = encodeUtf8(`${of.name}\0`);
  // inode mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
  const numbers = [of.inode, of.mode, 0, 0, of.links, 0, of.size, 0, 0, of.major, of.minor, name.length, 0];
  const text = encodeUtf8(`070701${numbers.map((number) => number.toString(16).padStart(8, "0")).join("")}`);
  const bytes = new Uint8Array(text.length + name.length);
  bytes.set(text, 0);
  bytes.set(name, text.length);
  return bytes;
}

/** Joins the pieces, each padded with zeros to the alignment. */
function joinPadded(pieces: readonly Uint8Array[]): Uint8Array {
  const room = (length: number) => Math.ceil(length / align) * align;
  const whole = new Uint8Array(pieces.reduce((total, piece) => total + room(piece.length), 0));
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += room(piece.length);
  }
  return whole;
}
