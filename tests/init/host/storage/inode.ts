import type { ErrnoName } from "../system/errno.ts";

/** Bits of st_mode for the kind of a file (inode(7)). */
export const typeBits = {
  mask: 0o170000,
  fifo: 0o010000,
  character: 0o020000,
  directory: 0o040000,
  block: 0o060000,
  regular: 0o100000,
  symlink: 0o120000,
  socket: 0o140000,
} as const;

/** A file whose content the kernel generates and accepts, as in /proc and /sys. */
export type KernelFile = {
  /** The content, or the error of reading it. */
  readonly read: () => Uint8Array | ErrnoName;
  readonly write?: (bytes: Uint8Array) => void;
};

/** A file, directory, link or device. */
export type Inode = {
  readonly number: number;
  /** Type and permissions. */
  mode: number;
  uid: number;
  gid: number;
  mtimeMs: number;
  links: number;
  /** Only for devices. */
  rdev: number;
  /** Content of a regular file; only the first `size` bytes count. */
  data: Uint8Array;
  size: number;
  /** Only for directories. */
  readonly entries: Map<string, number>;
  /** Only for symbolic links. */
  target: string;
  /** FS_IMMUTABLE_FL, which efivarfs sets. */
  immutable: boolean;
  /** Extended attributes: values in hex, by name. */
  attributes: ReadonlyMap<string, string>;
  readonly kernelFile?: KernelFile;
};

/** A change of a file system's tree, small enough to be atomic in a power cut. */
export type Change =
  | {
      readonly kind: "create";
      readonly number: number;
      readonly facts: Pick<Inode, "mode" | "mtimeMs" | "rdev" | "target">;
    }
  | { readonly kind: "enter"; readonly directory: number; readonly name: string; readonly number: number }
  | { readonly kind: "leave"; readonly directory: number; readonly name: string }
  | {
      readonly kind: "attributes";
      readonly number: number;
      readonly facts: Partial<Pick<Inode, "mode" | "uid" | "gid" | "mtimeMs" | "immutable" | "attributes">>;
    }
  | { readonly kind: "truncate"; readonly number: number; readonly size: number }
  /** Changes that survive together or not at all, as one transaction of the journal. */
  | { readonly kind: "together"; readonly changes: readonly Change[] }
  /** The only change of content: after a power cut it may be missing although the file exists. */
  | {
      readonly kind: "data";
      readonly number: number;
      readonly offset: number;
      readonly bytes: Uint8Array;
      /** Written before the names that changed after it. */
      readonly ordered?: true;
    };

/** All inodes by number. */
export type Inodes = Map<number, Inode>;

/** A new inode without content. */
export function newInode(number: number, facts: Partial<Inode> & Pick<Inode, "mode">): Inode {
  const rest = { uid: 0, gid: 0, mtimeMs: 0, links: 0, rdev: 0, data: new Uint8Array(0), size: 0, target: "" };
  return { number, entries: new Map(), immutable: false, attributes: new Map(), ...rest, ...facts };
}

/** Applies a change. Its object may be gone: an open file that was removed can still be written to. */
export function applyChange(inodes: Inodes, change: Change): void {
  switch (change.kind) {
    case "together":
      for (const each of change.changes) applyChange(inodes, each);
      return;
    case "create":
      inodes.set(change.number, newInode(change.number, change.facts));
      return;
    case "enter": {
      const inode = inodes.get(change.number);
      inodes.get(change.directory)?.entries.set(change.name, change.number);
      if (inode !== undefined) inode.links += 1;
      return;
    }
    case "leave": {
      const directory = inodes.get(change.directory);
      const number = directory?.entries.get(change.name);
      directory?.entries.delete(change.name);
      const inode = number === undefined ? undefined : inodes.get(number);
      if (inode === undefined) return;
      inode.links -= 1;
      if (inode.links === 0) inodes.delete(inode.number);
      return;
    }
    case "attributes": {
      const inode = inodes.get(change.number);
      if (inode !== undefined) Object.assign(inode, change.facts);
      return;
    }
    case "truncate": {
      const inode = inodes.get(change.number);
      if (inode !== undefined) resize(inode, change.size);
      return;
    }
    case "data": {
      const inode = inodes.get(change.number);
      if (inode !== undefined) writeInto(inode, change.offset, change.bytes);
    }
  }
}

function resize(inode: Inode, size: number): void {
  if (size < inode.size) inode.data.fill(0, size, inode.size);
  else reserve(inode, size);
  inode.size = size;
}

/** Writes bytes into an inode's content, which grows if necessary. */
export function writeInto(inode: Inode, offset: number, bytes: Uint8Array): void {
  reserve(inode, offset + bytes.length);
  inode.data.set(bytes, offset);
  inode.size = Math.max(inode.size, offset + bytes.length);
}

function reserve(inode: Inode, size: number): void {
  if (size <= inode.data.length) return;
  const larger = new Uint8Array(Math.max(size, 2 * inode.data.length));
  larger.set(inode.data.subarray(0, inode.size));
  inode.data = larger;
}
