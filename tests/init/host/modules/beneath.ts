import { createHash, type Hash } from "node:crypto";
import type * as Native from "host";
import { currentKernel } from "../current.ts";
import type { Kernel } from "../kernel.ts";
import { type Inode, typeBits } from "../storage/inode.ts";
import type { Found, Mount } from "../storage/mount-table.ts";
import type { OpenFile } from "../system/descriptors.ts";
import { fault, orErrno } from "../system/errno.ts";
import { openFlags } from "../system/open-path.ts";
import type { Trouble } from "../system/trouble.ts";

/**
 * File systems through descriptors, on the fake host: the functions of host-beneath.c. They do not throw for faults of the
 * world: they return -errno. Calls have the names of the calls by path, so that a trouble does not depend on which is used.
 */

/** An object that a descriptor holds. */
type Place = NonNullable<OpenFile["place"]>;

function ask<Result>(
  name: string,
  about: string,
  work: (kernel: Kernel, trouble: Trouble | undefined) => Result,
): Result | number {
  const kernel = currentKernel();
  return orErrno(() => kernel.cpu.call(name, about, (trouble) => work(kernel, trouble)));
}

function call(name: string, about: string, work: (kernel: Kernel) => unknown): number {
  return ask(name, about, (kernel) => {
    const result = work(kernel);
    return typeof result === "number" ? result : 0;
  });
}

const fileOf = (fd: number): OpenFile => {
  const { files, cpu } = currentKernel();
  return files.get(cpu.current(), fd);
};

function placeOf(fd: number): Place {
  const file = fileOf(fd);
  if (file.place === undefined) throw fault("EBADF");
  return file.place;
}

function add({ files, cpu }: Kernel, file: OpenFile): number {
  return files.add(cpu.current(), file);
}

const isDirectory = ({ mode }: Inode) => (mode & typeBits.mask) === typeBits.directory;
const join = (directory: string, name: string) => (directory === "/" ? `/${name}` : `${directory}/${name}`);
const pathIn = (directory: number, name: string) => join(fileOf(directory).about, name);

/** What is at a name, or could be made there. */
function look({ mounts }: Kernel, directory: number, name: string): Found {
  if (name === "" || name === "." || name === ".." || name.includes("/")) throw fault("EINVAL");
  return mounts.find(pathIn(directory, name), false);
}

function fresh(kernel: Kernel, directory: number, name: string): Found {
  const found = look(kernel, directory, name);
  if (found.inode !== undefined) throw fault("EEXIST");
  if (found.mount.readOnly) throw fault("EROFS");
  return found;
}

export const openRoot: typeof Native.openRoot = (path) =>
  call("open", path, (kernel) => {
    const { inode, mount, path: about } = kernel.mounts.find(path, true);
    if (inode === undefined) throw fault("ENOENT");
    return add(kernel, { about, place: { mount, path: about, inode } });
  });

export const openBeneath: typeof Native.openBeneath = (directory, path, how) =>
  call("lookup", pathIn(directory, path), (kernel) => {
    let here = placeOf(directory);
    for (const name of path.split("/").filter((part) => part !== ".")) {
      if (name === "" || name === "..") throw fault("EXDEV");
      if ((here.inode.mode & typeBits.mask) === typeBits.symlink) throw fault("ELOOP");
      if (!isDirectory(here.inode)) throw fault("ENOTDIR");
      const found = kernel.mounts.find(join(here.path, name), false);
      if (found.inode === undefined) throw fault("ENOENT");
      if (found.mount !== here.mount && how !== "mount") throw fault("EXDEV");
      here = { mount: found.mount, path: found.path, inode: found.inode };
    }
    if (how !== "place" && !isDirectory(here.inode)) throw fault("ENOTDIR");
    return add(kernel, { about: here.path, place: here });
  });

export const reopen: typeof Native.reopen = (fd) =>
  call("open", fileOf(fd).about, (kernel) => {
    const { inode, path } = placeOf(fd);
    if ((inode.mode & typeBits.mask) !== typeBits.regular) throw fault("EINVAL");
    return add(kernel, kernel.open(path, { flags: 0, mode: 0 }));
  });

export const createAt: typeof Native.createAt = (directory, name) =>
  call("create", pathIn(directory, name), (kernel) => {
    const { path } = fresh(kernel, directory, name);
    const file = kernel.open(path, { flags: openFlags.write | openFlags.create | openFlags.exclusive, mode: 0o600 });
    const { mount, inode } = kernel.mounts.find(path, false);
    if (inode === undefined) throw fault("ENOENT");
    return add(kernel, { ...file, place: { mount, path, inode } });
  });

/** Opens a file that is there, to go on behind its end. */
export const appendAt = (directory: number, name: string): number | undefined =>
  call("open", pathIn(directory, name), (kernel) => {
    const path = pathIn(directory, name);
    return add(kernel, kernel.open(path, { flags: openFlags.write | openFlags.append, mode: 0 }));
  });

export const statOf: typeof Native.statOf = (fd) =>
  ask("lstat", fileOf(fd).about, ({ mounts }) => {
    const { mount, inode } = placeOrOpen(fd, mounts.find);
    const { number: ino, mode, links: nlink, uid, gid, rdev, size } = inode;
    const mtimeMs = Math.floor(inode.mtimeMs);
    return { dev: mount.device, ino, mode, nlink, uid, gid, rdev, size, blocks: Math.ceil(size / 512), mtimeMs };
  });

/** A file that was opened for reading is found again by its path. */
function placeOrOpen(fd: number, find: Kernel["mounts"]["find"]): Pick<Place, "mount" | "inode"> {
  const file = fileOf(fd);
  if (file.place !== undefined) return file.place;
  const { mount, inode } = find(file.about, false);
  if (inode === undefined) throw fault("ENOENT");
  return { mount, inode };
}

export const namesIn: typeof Native.namesIn = (fd, limit) =>
  ask("readdir", fileOf(fd).about, () => [...placeOf(fd).inode.entries.keys()].slice(0, limit));

export const targetOf: typeof Native.targetOf = (fd) =>
  ask("readlink", fileOf(fd).about, () => {
    const { mode, target } = placeOf(fd).inode;
    if ((mode & typeBits.mask) !== typeBits.symlink) throw fault("EINVAL");
    return target;
  });

export const makeDirectoryAt: typeof Native.makeDirectoryAt = (directory, name, mode) =>
  call("mkdir", pathIn(directory, name), (kernel) => {
    const { mount, directory: parent } = fresh(kernel, directory, name);
    const mtimeMs = kernel.cpu.realtimeMs();
    mount.fileSystem.create(parent, name, { mode: typeBits.directory | mode, mtimeMs });
  });

export const removeAt: typeof Native.removeAt = (directory, name, wantsDirectory) =>
  call("remove", pathIn(directory, name), (kernel) => {
    const { mount, directory: parent, inode, path } = look(kernel, directory, name);
    if (inode === undefined) throw fault("ENOENT");
    if (mount.readOnly) throw fault("EROFS");
    if (isDirectory(inode) !== wantsDirectory) throw fault(wantsDirectory ? "ENOTDIR" : "EISDIR");
    if (kernel.mounts.at(path) !== undefined) throw fault("EBUSY");
    mount.fileSystem.remove(parent, name);
  });

export const renameAt: typeof Native.renameAt = (from, fromName, to, toName, replace) =>
  call("rename", pathIn(to, toName), (kernel) => {
    const [old, place] = [look(kernel, from, fromName), look(kernel, to, toName)];
    if (old.inode === undefined) throw fault("ENOENT");
    if (old.mount !== place.mount) throw fault("EXDEV");
    if (place.mount.readOnly) throw fault("EROFS");
    if (place.inode !== undefined && !replace) throw fault("EEXIST");
    old.mount.fileSystem.rename(old, place);
  });

export const linkAt: typeof Native.linkAt = (fd, directory, name) =>
  call("link", pathIn(directory, name), (kernel) => {
    const old = placeOf(fd);
    const { mount, directory: parent } = fresh(kernel, directory, name);
    if (mount !== old.mount) throw fault("EXDEV");
    mount.fileSystem.link(parent, name, old.inode);
  });

export const symlinkAt: typeof Native.symlinkAt = (target, directory, name) =>
  call("symlink", pathIn(directory, name), (kernel) => {
    const { mount, directory: parent } = fresh(kernel, directory, name);
    const mtimeMs = kernel.cpu.realtimeMs();
    mount.fileSystem.create(parent, name, { mode: typeBits.symlink | 0o777, mtimeMs, target });
  });

export const makeNodeAt: typeof Native.makeNodeAt = (directory, name, mode, rdev) =>
  call("makeNode", pathIn(directory, name), (kernel) => {
    const { mount, directory: parent } = fresh(kernel, directory, name);
    mount.fileSystem.create(parent, name, { mode, rdev, mtimeMs: kernel.cpu.realtimeMs() });
  });

function setAttributes(fd: number, facts: Parameters<Mount["fileSystem"]["setAttributes"]>[1]): void {
  const { mount, inode } = placeOf(fd);
  if (mount.readOnly) throw fault("EROFS");
  mount.fileSystem.setAttributes(inode, facts);
}

export const setOwner: typeof Native.setOwner = (fd, uid, gid) =>
  // chown(2) clears set-user-id, set-group-id and capabilities.
  call("chown", fileOf(fd).about, () => {
    const attributes = new Map(placeOf(fd).inode.attributes);
    attributes.delete("security.capability");
    setAttributes(fd, { uid, gid, mode: placeOf(fd).inode.mode & ~0o6000, attributes });
  });

export const setMode: typeof Native.setMode = (fd, mode) =>
  call("chmod", fileOf(fd).about, () =>
    setAttributes(fd, { mode: (placeOf(fd).inode.mode & typeBits.mask) | (mode & ~typeBits.mask) }),
  );

export const setModified: typeof Native.setModified = (fd, mtimeMs) =>
  call("setTimes", fileOf(fd).about, () => setAttributes(fd, { mtimeMs }));

export const attributesOf: typeof Native.attributesOf = (fd, count) =>
  ask("listxattr", fileOf(fd).about, () => [...placeOf(fd).inode.attributes].slice(0, count + 1));

/** Keeps the attributes with these names. */
function keep(fd: number, isKept: (name: string) => boolean): void {
  setAttributes(fd, { attributes: new Map([...placeOf(fd).inode.attributes].filter(([name]) => isKept(name))) });
}

export const keepAttributes: typeof Native.keepAttributes = (fd, names) =>
  call("removexattr", fileOf(fd).about, () => {
    const kept = Buffer.from(names).toString().split("\0");
    keep(fd, (name) => kept.includes(name));
  });

export const setAttribute: typeof Native.setAttribute = (fd, name, value) =>
  call("setxattr", fileOf(fd).about, () => {
    const attributes = new Map(placeOf(fd).inode.attributes).set(name, Buffer.from(value).toString("hex"));
    setAttributes(fd, { attributes });
  });

export const dropAcls: typeof Native.dropAcls = (fd) =>
  call("removexattr", fileOf(fd).about, () => keep(fd, (name) => !name.startsWith("system.posix_acl_")));

export const dropRights: typeof Native.dropRights = (fd) =>
  call("chmod", fileOf(fd).about, () => {
    const { mode } = placeOf(fd).inode;
    if ((mode & 0o6000) !== 0) setAttributes(fd, { mode: mode & (typeBits.mask | 0o777) });
    if (placeOf(fd).inode.attributes.size > 0) keep(fd, (name) => name !== "security.capability");
  });

/** The hashes under way, by the state that the program holds. */
const hashes = new WeakMap<ArrayBuffer, Hash>();

export const sha512Begin: typeof Native.sha512Begin = () => {
  const state = new ArrayBuffer(1);
  hashes.set(state, createHash("sha512"));
  return state;
};

export const sha512Feed: typeof Native.sha512Feed = (state, fd, bytes) =>
  ask("sha512File", fileOf(fd).about, () => {
    const file = fileOf(fd);
    const buffer = new Uint8Array(1 << 16);
    let done = 0;
    while (done < bytes) {
      const count = file.read?.(buffer.subarray(0, Math.min(buffer.length, bytes - done))) ?? 0;
      if (count === 0) break;
      hashes.get(state)?.update(buffer.subarray(0, count));
      done += count;
    }
    return done;
  });

export const sha512End: typeof Native.sha512End = (state) => hashes.get(state)?.copy().digest("hex") ?? "";

/** What a state has been fed. */
export const hashOf = (state: ArrayBuffer): Hash | undefined => hashes.get(state)?.copy();
