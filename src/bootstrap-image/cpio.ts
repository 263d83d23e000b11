/** One thing in an archive. Paths have no leading slash; `mode` is the permission bits only; everything belongs to root. */
export type Entry = { readonly path: string } & (
  | { readonly kind: "file"; readonly mode: number; readonly bytes: Uint8Array }
  | { readonly kind: "directory"; readonly mode: number }
  | { readonly kind: "link"; readonly target: string }
  | { readonly kind: "characterDevice"; readonly mode: number; readonly major: number; readonly minor: number }
);

/** File type bits of st_mode. */
const typeBits = { file: 0o100000, directory: 0o040000, link: 0o120000, characterDevice: 0o020000 } as const;
const align = 4;

function padded(bytes: Uint8Array): Buffer {
  const rest = (align - (bytes.length % align)) % align;
  return Buffer.concat([bytes, Buffer.alloc(rest)]);
}

function contentOf(entry: Entry): Uint8Array {
  if (entry.kind === "file") return entry.bytes;
  return entry.kind === "link" ? Buffer.from(entry.target) : Buffer.alloc(0);
}

/** Header of the "newc" format, the only one that an initramfs may have (kernel: driver-api/early-userspace/buffer-format). */
function header(fields: {
  name: string;
  inode: number;
  mode: number;
  size: number;
  links: number;
  major: number;
  minor: number;
}): Buffer {
  const name = Buffer.from(`${fields.name}\0`);
  // inode mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
  const numbers = [
    fields.inode,
    fields.mode,
    0,
    0,
    fields.links,
    0,
    fields.size,
    0,
    0,
    fields.major,
    fields.minor,
    name.length,
    0,
  ];
  const text = `070701${numbers.map((number) => number.toString(16).padStart(8, "0")).join("")}`;
  return padded(Buffer.concat([Buffer.from(text), name]));
}

/** The entries and every directory above them that is missing (0755), sorted so that a directory comes before what is in it. */
export function withParents(entries: readonly Entry[]): readonly Entry[] {
  const byPath = new Map<string, Entry>();
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

/** A cpio archive of the entries: the same bytes for the same entries, whenever and wherever it is written. */
export function writeCpio(entries: readonly Entry[]): Buffer {
  const pieces = withParents(entries).flatMap((entry, index) => {
    const content = contentOf(entry);
    const isDevice = entry.kind === "characterDevice";
    const head = header({
      name: entry.path,
      inode: index + 1,
      mode: typeBits[entry.kind] | (entry.kind === "link" ? 0o777 : entry.mode),
      size: content.length,
      links: entry.kind === "directory" ? 2 : 1,
      major: isDevice ? entry.major : 0,
      minor: isDevice ? entry.minor : 0,
    });
    return [head, padded(content)];
  });
  return Buffer.concat([
    ...pieces,
    header({ name: "TRAILER!!!", inode: 0, mode: 0, size: 0, links: 1, major: 0, minor: 0 }),
  ]);
}
