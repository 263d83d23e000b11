import { typeBits, writeInto } from "../storage/inode.ts";
import type { Found, MountTable } from "../storage/mount-table.ts";
import type { Cpu } from "./cpu.ts";
import type { OpenFile } from "./descriptors.ts";
import { fault } from "./errno.ts";

/** Flags of open(2), asm-generic/fcntl.h. */
export const openFlags = {
  write: 1,
  readWrite: 2,
  create: 0o100,
  exclusive: 0o200,
  truncate: 0o1000,
  append: 0o2000,
} as const;

/** The devices behind device numbers: opens the device. */
export type DeviceDrivers = Map<number, (path: string) => OpenFile>;

/** Opens a path as open(2) does. */
export function openPath(
  { mounts, drivers, cpu }: { readonly mounts: MountTable; readonly drivers: DeviceDrivers; readonly cpu: Cpu },
  path: string,
  { flags, mode }: { readonly flags: number; readonly mode: number },
): OpenFile {
  const writing = (flags & (openFlags.write | openFlags.readWrite)) !== 0;
  const found = mounts.find(path, true);
  if (found.inode !== undefined && (flags & openFlags.create) !== 0 && (flags & openFlags.exclusive) !== 0)
    throw fault("EEXIST");
  const inode = found.inode ?? create(found, flags, mode, cpu.realtimeMs());
  const { fileSystem, readOnly } = found.mount;
  const type = inode.mode & typeBits.mask;
  if (type === typeBits.directory && writing) throw fault("EISDIR");
  if (type === typeBits.block || type === typeBits.character) {
    const driver = drivers.get(inode.rdev);
    if (driver === undefined) throw fault("ENXIO");
    return driver(found.path);
  }
  if (writing && readOnly) throw fault("EROFS");
  if (writing && inode.immutable && found.inode !== undefined) throw fault("EPERM");
  // A write replaces a variable of the firmware as a whole, and nothing else changes it (Linux fs/efivarfs/file.c).
  const isVariable = fileSystem.type === "efivarfs";
  if (writing && (flags & openFlags.truncate) !== 0 && inode.kernelFile === undefined && !isVariable)
    fileSystem.truncate(inode, 0);

  let at = (flags & openFlags.append) !== 0 ? inode.size : 0;
  let made: Uint8Array | undefined;
  function content(): Uint8Array {
    if (inode.kernelFile === undefined) return inode.data.subarray(0, inode.size);
    const read = made ?? inode.kernelFile.read();
    if (typeof read === "string") throw fault(read);
    made = read;
    return read;
  }
  return {
    about: found.path,
    read: (buffer) => {
      if (type === typeBits.directory) throw fault("EISDIR");
      const piece = content().subarray(at, at + buffer.length);
      buffer.set(piece);
      at += piece.length;
      return piece.length;
    },
    ...(writing
      ? {
          write: (bytes: Uint8Array) => {
            if (inode.kernelFile !== undefined) {
              if (inode.kernelFile.write === undefined) throw fault("EACCES");
              inode.kernelFile.write(bytes);
            } else if (isVariable) {
              if (inode.size > bytes.length) fileSystem.truncate(inode, bytes.length);
              fileSystem.write(inode, 0, bytes);
            } else if (inode.links === 0) writeInto(inode, at, bytes);
            else fileSystem.write(inode, at, bytes);
            at += bytes.length;
            return bytes.length;
          },
        }
      : {}),
    seek: (offset, whence) => {
      at = whence === 0 ? offset : whence === 1 ? at + offset : inode.size + offset;
      return at;
    },
    sync: () => fileSystem.syncFile(inode),
  };
}

function create(found: Found, flags: number, mode: number, nowMs: number) {
  if ((flags & openFlags.create) === 0) throw fault("ENOENT");
  if (found.mount.readOnly) throw fault("EROFS");
  return found.mount.fileSystem.create(found.directory, found.name, { mode: typeBits.regular | mode, mtimeMs: nowMs });
}
