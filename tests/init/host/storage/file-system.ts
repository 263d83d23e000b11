import { fault } from "../system/errno.ts";
import type { Unsynced } from "./block-device.ts";
import { applyChange, type Change, type Inode, type Inodes, newInode, typeBits } from "./inode.ts";

/** The properties of a file system. */
export type FileSystemFacts = {
  /** `ext4`, `vfat`, `tmpfs`, `proc`, … */
  readonly type: string;
  /** Space for contents; unlimited if absent. */
  readonly capacityBytes?: number;
  /** Whether it is on a disk, so that a power cut may lose unsynced contents. */
  readonly onDisk?: boolean;
};

/** A tree of files. Its functions throw `fault(…)` for what Linux refuses. */
export type FileSystem = {
  readonly type: string;
  readonly root: Inode;
  readonly get: (number: number) => Inode;
  readonly create: (directory: Inode, name: string, facts: Pick<Inode, "mode" | "mtimeMs"> & Partial<Inode>) => Inode;
  readonly link: (directory: Inode, name: string, inode: Inode) => void;
  readonly remove: (directory: Inode, name: string) => void;
  readonly rename: (from: Entry, to: Entry) => void;
  readonly setAttributes: (inode: Inode, facts: Extract<Change, { kind: "attributes" }>["facts"]) => void;
  readonly truncate: (inode: Inode, size: number) => void;
  readonly write: (inode: Inode, offset: number, bytes: Uint8Array) => void;
  readonly freeBytes: () => number;
  readonly sync: () => void;
  /** fsync(2) as in ext4: writes the file's content and all earlier changes of names and attributes. */
  readonly syncFile: (inode: Inode) => void;
  readonly cutPower: (unsynced: Unsynced) => void;
};

/** A name in a directory. */
export type Entry = { readonly directory: Inode; readonly name: string };

const rootNumber = 2;
const blockBytes = 4096;

function emptyInodes(): Inodes {
  return new Map([[rootNumber, newInode(rootNumber, { mode: typeBits.directory | 0o755, links: 2 })]]);
}

/** Makes an empty file system. */
export function makeFileSystem({ type, capacityBytes, onDisk = false }: FileSystemFacts): FileSystem {
  let inodes = emptyInodes();
  const durable = emptyInodes();
  let waiting: Change[] = [];
  let lastNumber = rootNumber + 9;
  let usedBlocks = 0;

  const blocksOf = (size: number) => Math.ceil(size / blockBytes);
  function change(made: Change): void {
    applyChange(inodes, made);
    if (onDisk) waiting.push(made);
  }
  function get(number: number): Inode {
    const inode = inodes.get(number);
    if (inode === undefined) throw fault("ENOENT");
    return inode;
  }
  function room(inode: Inode, size: number): void {
    const more = blocksOf(size) - blocksOf(inode.size);
    if (capacityBytes !== undefined && (usedBlocks + more) * blockBytes > capacityBytes) throw fault("ENOSPC");
    usedBlocks += more;
  }
  function settle(keep: (change: Change) => boolean): void {
    for (const each of waiting) if (!keep(each)) applyChange(durable, each);
    waiting = waiting.filter(keep);
  }

  function create(directory: Inode, name: string, facts: Pick<Inode, "mode" | "mtimeMs"> & Partial<Inode>): Inode {
    lastNumber += 1;
    const { mode, mtimeMs, rdev = 0, target = "", kernelFile } = facts;
    change({
      kind: "together",
      changes: [
        { kind: "create", number: lastNumber, facts: { mode, mtimeMs, rdev, target } },
        { kind: "enter", directory: directory.number, name, number: lastNumber },
      ],
    });
    const made = get(lastNumber);
    if (kernelFile === undefined) return made;
    const special = { ...made, kernelFile };
    inodes.set(lastNumber, special);
    return special;
  }
  /** Unlinks a name, and returns the change that removes it. */
  function removal(directory: Inode, name: string): Change {
    const number = directory.entries.get(name);
    if (number === undefined) throw fault("ENOENT");
    const inode = get(number);
    if (inode.entries.size > 0) throw fault("ENOTEMPTY");
    if (inode.immutable) throw fault("EPERM");
    if (inode.links === 1) usedBlocks -= blocksOf(inode.size);
    return { kind: "leave", directory: directory.number, name };
  }
  function rename(from: Entry, to: Entry): void {
    const number = from.directory.entries.get(from.name);
    if (number === undefined) throw fault("ENOENT");
    const inode = get(number);
    const replaced = to.directory.entries.get(to.name);
    if (replaced === number) return;
    if (replaced !== undefined) {
      const isDirectory = (each: Inode) => (each.mode & typeBits.mask) === typeBits.directory;
      if (isDirectory(get(replaced)) !== isDirectory(inode)) throw fault(isDirectory(inode) ? "ENOTDIR" : "EISDIR");
    }
    const changes: Change[] = replaced === undefined ? [] : [removal(to.directory, to.name)];
    // When a file is replaced, ext4 writes the new content first (mount option auto_da_alloc).
    if (replaced !== undefined)
      waiting = waiting.map((each) =>
        each.kind === "data" && each.number === number ? { ...each, ordered: true } : each,
      );
    changes.push({ kind: "enter", directory: to.directory.number, name: to.name, number });
    changes.push({ kind: "leave", directory: from.directory.number, name: from.name });
    change({ kind: "together", changes });
  }
  function cutPower(unsynced: Unsynced): void {
    const count = unsynced.kind === "kept" ? waiting.length : unsynced.kind === "lost" ? 0 : undefined;
    const committed = count ?? Math.floor((unsynced.kind === "partly" ? unsynced.chance() : 0) * (waiting.length + 1));
    for (const each of waiting.slice(0, committed)) {
      // The journal keeps the order of names and attributes; contents are written at any time.
      const loose = each.kind === "data" && each.ordered === undefined;
      if (loose && unsynced.kind === "partly" && unsynced.chance() < 0.5) continue;
      applyChange(durable, each);
    }
    waiting = [];
    inodes = new Map([...durable].map(([number, inode]) => [number, copyOf(inode)]));
    usedBlocks = [...inodes.values()].reduce((sum, inode) => sum + blocksOf(inode.size), 0);
  }

  return {
    type,
    get root() {
      return get(rootNumber);
    },
    get,
    create,
    link: (directory, name, inode) =>
      change({ kind: "enter", directory: directory.number, name, number: inode.number }),
    remove: (directory, name) => change(removal(directory, name)),
    rename,
    setAttributes: (inode, facts) => change({ kind: "attributes", number: inode.number, facts }),
    truncate: (inode, size) => {
      room(inode, size);
      change({ kind: "truncate", number: inode.number, size });
    },
    write: (inode, offset, bytes) => {
      room(inode, Math.max(inode.size, offset + bytes.length));
      change({ kind: "data", number: inode.number, offset, bytes: bytes.slice() });
    },
    freeBytes: () => (capacityBytes === undefined ? 2 ** 40 : capacityBytes - usedBlocks * blockBytes),
    sync: () => settle(() => false),
    syncFile: (inode) =>
      settle((each) => each.kind === "data" && each.number !== inode.number && each.ordered === undefined),
    cutPower,
  };
}

function copyOf(inode: Inode): Inode {
  return { ...inode, entries: new Map(inode.entries), data: inode.data.slice(0, inode.size) };
}
