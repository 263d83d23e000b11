import * as host from "host";
import * as os from "os";
import * as std from "std";
import { encodeUtf8 } from "../../core/bytes/utf8.ts";
import { checked, isAbsent, systemError } from "./errno.ts";

const firstBufferBytes = 16384;
const copyBufferBytes = 1 << 18;
const permissionBits = 0o7777;

/** Reads a whole file as UTF-8 text; throws if it fails. */
export function readText(path: string): string {
  const error: { errno?: number } = {};
  // Not std.loadFile, which asks for the size first, and files of /proc report 0.
  const file = std.open(path, "rb", error);
  if (file === null) throw systemError(`read ${path}`, error.errno ?? 0);
  const text = file.readAsString();
  const failed = file.error();
  file.close();
  if (failed) throw new Error(`read ${path}: expected a readable file, found none`);
  return text;
}

/** Reads a whole file as UTF-8 text; undefined if the file does not exist. */
export function readTextIfThere(path: string): string | undefined {
  return exists(path) ? readText(path) : undefined;
}

/** Reads a whole file. */
export function readBytes(path: string): Uint8Array {
  const operation = `read ${path}`;
  const fd = checked(operation, os.open(path, os.O_RDONLY));
  try {
    // Files of /proc and /sys report 0 or 4096 bytes, so read until the end whatever stat says.
    let buffer = new Uint8Array(Math.max((os.stat(path)[0]?.size ?? 0) + 1, firstBufferBytes));
    let length = 0;
    for (;;) {
      if (length === buffer.length) {
        const larger = new Uint8Array(buffer.length * 2);
        larger.set(buffer);
        buffer = larger;
      }
      const count = checked(operation, os.read(fd, buffer.buffer, length, buffer.length - length));
      if (count === 0) return buffer.slice(0, length);
      length += count;
    }
  } finally {
    os.close(fd);
  }
}

/** Fills `into` with the bytes at an offset of an open file or device; throws if it ends before. */
export function readAt(
  file: { readonly fd: number; readonly path: string },
  offset: number,
  into: Uint8Array<ArrayBuffer>,
): void {
  const { fd, path } = file;
  checked(`seek in ${path}`, os.seek(fd, offset, std.SEEK_SET));
  for (let done = 0; done < into.length; ) {
    const count = checked(`read ${path}`, os.read(fd, into.buffer, into.byteOffset + done, into.length - done));
    if (count === 0) throw new Error(`read ${path}: expected ${into.length} bytes, found only ${done}`);
    done += count;
  }
}

/** Writes all bytes to an open descriptor, in one write(2) if the kernel accepts it. */
export function writeToDescriptor(fd: number, bytes: Uint8Array, operation: string): void {
  for (let done = 0; done < bytes.length; ) {
    done += checked(operation, os.write(fd, bytes.buffer as ArrayBuffer, bytes.byteOffset + done, bytes.length - done));
  }
}

/**
 * Replaces a file's content (in one write, as efivarfs and sysfs require); sets the mode exactly, whatever the umask.
 */
export function writeBytes(path: string, bytes: Uint8Array, mode?: number): void {
  const operation = `write ${path}`;
  const fd = checked(operation, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode ?? 0o644));
  try {
    writeToDescriptor(fd, bytes, operation);
  } finally {
    os.close(fd);
  }
  if (mode !== undefined) host.chmod(path, mode);
}

/** Replaces a file's content by text, as UTF-8. */
export function writeText(path: string, text: string, mode?: number): void {
  writeBytes(path, encodeUtf8(text), mode);
}

/** Replaces a file atomically: after a power cut it has either the old or the new content. */
export function replaceBytes(path: string, bytes: Uint8Array, mode = 0o644): void {
  const draft = `${path}.new`;
  // Whatever was left there: to open a FIFO would wait for a reader.
  const removed = os.remove(draft);
  if (removed < 0 && !isAbsent(removed)) throw systemError(`remove ${draft}`, removed);
  writeBytes(draft, bytes, mode);
  const fd = checked(`open ${draft}`, os.open(draft, os.O_RDONLY));
  try {
    host.fsync(fd);
  } finally {
    os.close(fd);
  }
  checked(`rename ${draft} to ${path}`, os.rename(draft, path));
}

/** Names in a directory, sorted. */
export function list(directory: string): string[] {
  const [names, errno] = os.readdir(directory);
  if (errno !== 0) throw systemError(`list ${directory}`, errno);
  return names.filter((name) => name !== "." && name !== "..").sort();
}

/** Whether a path leads to a file; false for a dangling symbolic link. */
export function exists(path: string): boolean {
  return os.stat(path)[0] !== null;
}

/** Makes a directory and its parents; keeps existing ones. */
export function makeDirectories(path: string, mode = 0o755): void {
  if (exists(path)) return;
  const parent = path.slice(0, path.lastIndexOf("/"));
  if (parent !== "") makeDirectories(parent);
  checked(`make directory ${path}`, os.mkdir(path, mode));
  host.chmod(path, mode);
}

/** Removes a file or a directory with its contents, without following symbolic links; a missing path is ignored. */
export function removeTree(path: string): void {
  const [stat, errno] = os.lstat(path);
  if (stat === null) {
    if (isAbsent(errno)) return;
    throw systemError(`remove ${path}`, errno);
  }
  if ((stat.mode & os.S_IFMT) === os.S_IFDIR) for (const name of list(path)) removeTree(`${path}/${name}`);
  checked(`remove ${path}`, os.remove(path));
}

/** Copies one file's content; mode is that of the original unless given. */
export function copyFile(from: string, to: string, mode?: number): void {
  const operation = `copy ${from} to ${to}`;
  const input = checked(operation, os.open(from, os.O_RDONLY));
  const output = checked(operation, os.open(to, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600));
  const buffer = new Uint8Array(copyBufferBytes);
  try {
    for (;;) {
      const count = checked(operation, os.read(input, buffer.buffer, 0, buffer.length));
      if (count === 0) break;
      writeToDescriptor(output, buffer.subarray(0, count), operation);
    }
  } finally {
    os.close(input);
    os.close(output);
  }
  host.chmod(to, mode ?? (os.stat(from)[0]?.mode ?? 0o644) & permissionBits);
}

/** Makes a symbolic link, replacing an existing file or link. */
export function makeSymlink(target: string, path: string): void {
  if (os.lstat(path)[0] !== null) checked(`remove ${path}`, os.remove(path));
  checked(`link ${path} to ${target}`, os.symlink(target, path));
}
