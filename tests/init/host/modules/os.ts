import type * as Native from "os";
import { currentKernel } from "../current.ts";
import type { Kernel } from "../kernel.ts";
import { typeBits } from "../storage/inode.ts";
import type { Found } from "../storage/mount-table.ts";
import { makePipe } from "../system/descriptors.ts";
import { fault, orErrno } from "../system/errno.ts";
import type { Trouble } from "../system/trouble.ts";
import { startProgram } from "./start-program.ts";

/**
 * The part of QuickJS's module `os` that init uses, on the fake host. It does not throw for faults of the world: it
 * returns -errno.
 */

type Work<Result> = (kernel: Kernel, trouble: Trouble | undefined) => Result;

function call(name: string, about: string, work: Work<number>): number {
  const kernel = currentKernel();
  return orErrno(() => kernel.cpu.call(name, about, (trouble) => work(kernel, trouble)));
}

function ask<Result>(name: string, about: string, work: Work<Result>, none: Result): [Result, number] {
  let answer = none;
  const errno = call(name, about, (kernel, trouble) => {
    answer = work(kernel, trouble);
    return 0;
  });
  return [answer, -errno];
}

function fileOf(kernel: Kernel, fd: number) {
  return kernel.files.get(kernel.cpu.current(), fd);
}

function aboutOf(fd: number): string {
  const kernel = currentKernel();
  try {
    return fileOf(kernel, fd).about;
  } catch {
    return `descriptor ${fd}`;
  }
}

/** Prepares a new name on a writable file system. */
function freshName(kernel: Kernel, path: string): Found {
  const found = kernel.mounts.find(path, false);
  if (found.inode !== undefined) throw fault("EEXIST");
  if (found.mount.readOnly) throw fault("EROFS");
  return found;
}

export const open: typeof Native.open = (path, flags, mode = 0o666) =>
  call((flags & (O_CREAT | O_TRUNC)) === 0 ? "open" : "create", path, (kernel) =>
    kernel.files.add(kernel.cpu.current(), kernel.open(path, { flags, mode })),
  );

export const close: typeof Native.close = (fd) =>
  call("close", aboutOf(fd), (kernel) => {
    kernel.files.close(kernel.cpu.current(), fd);
    return 0;
  });

export const seek: typeof Native.seek = (fd, offset, whence) =>
  call("seek", aboutOf(fd), (kernel) => {
    const file = fileOf(kernel, fd);
    if (file.seek === undefined) throw fault("EINVAL");
    return file.seek(offset, whence);
  });

export const read: typeof Native.read = (fd, buffer, offset, length) =>
  call("read", aboutOf(fd), (kernel, trouble) => {
    const file = fileOf(kernel, fd);
    if (file.read === undefined) throw fault("EINVAL");
    const most = trouble?.kind === "short" ? Math.min(trouble.bytes, length) : length;
    const view = new Uint8Array(buffer, offset, most);
    const count = file.read(view);
    if (trouble?.kind === "garbles") view.set(trouble.change(view.slice(0, count)).subarray(0, count));
    return count;
  });

export const write: typeof Native.write = (fd, buffer, offset, length) =>
  call("write", aboutOf(fd), (kernel, trouble) => {
    const file = fileOf(kernel, fd);
    if (file.write === undefined) throw fault("EBADF");
    if (trouble?.kind === "forgets") return length;
    const most = trouble?.kind === "short" ? Math.min(trouble.bytes, length) : length;
    return file.write(new Uint8Array(buffer, offset, most).slice());
  });

export const isatty: typeof Native.isatty = () => false;

export const remove: typeof Native.remove = (path) =>
  call("remove", path, (kernel, trouble) => {
    if (trouble?.kind === "forgets") return 0;
    const { mount, directory, name, inode } = kernel.mounts.find(path, false);
    if (inode === undefined) throw fault("ENOENT");
    if (mount.readOnly) throw fault("EROFS");
    if (kernel.mounts.at(path) !== undefined) throw fault("EBUSY");
    mount.fileSystem.remove(directory, name);
    return 0;
  });

export const rename: typeof Native.rename = (from, to) =>
  call("rename", to, (kernel) => {
    const [old, fresh] = [kernel.mounts.find(from, false), kernel.mounts.find(to, false)];
    if (old.inode === undefined) throw fault("ENOENT");
    if (old.mount !== fresh.mount) throw fault("EXDEV");
    if (fresh.mount.readOnly) throw fault("EROFS");
    old.mount.fileSystem.rename(old, fresh);
    return 0;
  });

export const mkdir: typeof Native.mkdir = (path, mode = 0o777) =>
  call("mkdir", path, (kernel) => {
    const { mount, directory, name } = freshName(kernel, path);
    mount.fileSystem.create(directory, name, { mode: typeBits.directory | mode, mtimeMs: kernel.cpu.realtimeMs() });
    return 0;
  });

export const symlink: typeof Native.symlink = (target, path) =>
  call("symlink", path, (kernel) => {
    const { mount, directory, name } = freshName(kernel, path);
    const mtimeMs = kernel.cpu.realtimeMs();
    mount.fileSystem.create(directory, name, { mode: typeBits.symlink | 0o777, mtimeMs, target });
    return 0;
  });

export const readdir: typeof Native.readdir = (path) =>
  ask(
    "readdir",
    path,
    (kernel) => {
      const { inode } = kernel.mounts.find(path, true);
      if (inode === undefined) throw fault("ENOENT");
      if ((inode.mode & typeBits.mask) !== typeBits.directory) throw fault("ENOTDIR");
      return [".", "..", ...inode.entries.keys()];
    },
    [],
  );

function statOf(path: string, follow: boolean) {
  return ask<Native.Stat | null>(
    follow ? "stat" : "lstat",
    path,
    (kernel) => {
      const { inode, mount } = kernel.mounts.find(path, follow);
      if (inode === undefined) throw fault("ENOENT");
      const { number: ino, mode, links: nlink, uid, gid, rdev } = inode;
      const mtime = Math.floor(inode.mtimeMs); // QuickJS returns whole milliseconds.
      const size = inode.kernelFile === undefined ? inode.size : 4096;
      const blocks = Math.ceil(size / 512);
      return { dev: mount.device, ino, mode, nlink, uid, gid, rdev, size, blocks, atime: mtime, mtime, ctime: mtime };
    },
    null,
  );
}

export const stat: typeof Native.stat = (path) => statOf(path, true);
export const lstat: typeof Native.lstat = (path) => statOf(path, false);

export const realpath: typeof Native.realpath = (path) =>
  ask(
    "realpath",
    path,
    (kernel) => {
      const found = kernel.mounts.find(path, true);
      if (found.inode === undefined) throw fault("ENOENT");
      return found.path;
    },
    "",
  );

export const readlink: typeof Native.readlink = (path) =>
  ask(
    "readlink",
    path,
    (kernel) => {
      const { inode } = kernel.mounts.find(path, false);
      if (inode === undefined) throw fault("ENOENT");
      if ((inode.mode & typeBits.mask) !== typeBits.symlink) throw fault("EINVAL");
      return inode.target;
    },
    "",
  );

export const exec: typeof Native.exec = (argv, options = {}) => {
  const { pid, missing } = startProgram(currentKernel(), argv, options);
  if (options.block === false) return pid;
  return missing ? 127 : (waitpid(pid, 0)[1] >> 8) & 0xff;
};

export const waitpid: typeof Native.waitpid = (pid, options) => {
  const kernel = currentKernel();
  const { children } = kernel;
  const candidates = () => [...children].filter(([each, child]) => (pid < 0 || each === pid) && child.hasEnded());
  const known = pid < 0 ? children.size > 0 : children.has(pid);
  let found = 0;
  const [status, errno] = ask(
    "waitpid",
    String(pid),
    () => {
      if (!known) throw fault("ECHILD");
      if ((options & WNOHANG) === 0) kernel.cpu.advanceUntil(() => candidates().length > 0, foreverMs);
      const [first] = candidates();
      if (first === undefined) return 0;
      children.delete(first[0]);
      [found] = first;
      return first[1].status();
    },
    0,
  );
  return [errno === 0 ? found : -errno, status];
};

const foreverMs = 7 * 86_400_000;

export const kill: typeof Native.kill = (pid, signal) =>
  call("kill", String(pid), (kernel) => {
    kernel.children.get(pid)?.kill(signal);
    return 0;
  });

export const pipe: typeof Native.pipe = () => {
  const kernel = currentKernel();
  const ends: [number, number] = [0, 0];
  const result = call("pipe", "", () => {
    const { reading, writing } = makePipe(() => kernel.runReaders());
    ends[0] = kernel.files.add(kernel.cpu.current(), reading);
    ends[1] = kernel.files.add(kernel.cpu.current(), writing);
    return 0;
  });
  return result < 0 ? null : ends;
};

export const setReadHandler: typeof Native.setReadHandler = (fd, handler) => {
  const task = currentKernel().taskOf();
  if (handler === null) task.readers.delete(fd);
  else task.readers.set(fd, handler);
};

export const setTimeout: typeof Native.setTimeout = (callback, milliseconds) => {
  const kernel = currentKernel();
  const timer = { atMs: kernel.cpu.monotonicMs() + milliseconds, callback };
  kernel.taskOf().timers.push(timer);
  return timer;
};

export const sleep: typeof Native.sleep = (milliseconds) => {
  const { cpu } = currentKernel();
  cpu.call("sleep", "", () => cpu.advance(milliseconds));
};

export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_RDWR = 2;
export const O_APPEND = 0o2000;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_TRUNC = 0o1000;
export const S_IFMT = typeBits.mask;
export const S_IFIFO = typeBits.fifo;
export const S_IFCHR = typeBits.character;
export const S_IFDIR = typeBits.directory;
export const S_IFBLK = typeBits.block;
export const S_IFREG = typeBits.regular;
export const S_IFSOCK = typeBits.socket;
export const S_IFLNK = typeBits.symlink;
export const WNOHANG = 1;
