import * as host from "host";
import * as os from "os";
import { decodeUtf8, encodeUtf8 } from "../../core/bytes/utf8.ts";
import { fileType } from "../../core/image/tree.ts";
import { checked, errnoIn, errnoOf, isAbsent, systemError } from "../system/errno.ts";
import { writeToDescriptor } from "../system/files.ts";
import {
  atDirectory,
  atEntry,
  atFile,
  atPlace,
  type DirectoryEntry,
  statAt,
  statOf,
  statPath,
  withDescriptor,
} from "./place.ts";

/** The files of the agent below a root, always through descriptors: paths are absolute below the root. */

const copyBufferBytes = 1 << 18;
/** More than any directory of a system has. */
const maxNames = 500_000;
/** About a tenth of a second. */
const hashSliceBytes = 32 << 20;

/** Reads an open file to its end, or to a limit of bytes; a piece is valid only until the callback returns. */
function readPieces(fd: number, operation: string, onPiece: (piece: Uint8Array) => void): void {
  const buffer = new Uint8Array(copyBufferBytes);
  for (;;) {
    const count = checked(operation, os.read(fd, buffer.buffer, 0, buffer.length));
    if (count === 0) return;
    onPiece(buffer.subarray(0, count));
  }
}

/** Reads a whole file. */
export function readBytes(root: string, path: string): Uint8Array {
  return atFile(root, path, (fd) => {
    let bytes = new Uint8Array(statOf(fd, path).size);
    let length = 0;
    readPieces(fd, `read ${path}`, (piece) => {
      if (length + piece.length > bytes.length) {
        const larger = new Uint8Array(Math.max(2 * bytes.length, length + piece.length));
        larger.set(bytes.subarray(0, length));
        bytes = larger;
      }
      bytes.set(piece, length);
      length += piece.length;
    });
    return bytes.slice(0, length);
  });
}

/** Reads a whole file as UTF-8 text. */
export function readText(root: string, path: string): string {
  return decodeUtf8(readBytes(root, path));
}

/** Whether something is at a path. */
export function exists(root: string, path: string): boolean {
  return statPath(root, path) !== undefined;
}

/** Reads a whole file as UTF-8 text; undefined if it does not exist. */
export function readTextIfThere(root: string, path: string): string | undefined {
  return exists(root, path) ? readText(root, path) : undefined;
}

/** Names in an open directory, sorted. */
export function namesIn(fd: number, path: string): string[] {
  const names = host.namesIn(fd, maxNames);
  if (typeof names === "number") throw systemError(`list ${path}`, names);
  return names.sort();
}

/** Names in a directory, sorted. */
export function list(root: string, path: string): string[] {
  return atDirectory(root, path, (fd) => namesIn(fd, path));
}

/** Makes a new file, in place of an old one, and opens it for writing; `mode` is exact, whatever the umask. */
export function createFile(root: string, path: string, mode = 0o600): number {
  return atEntry(root, path, (entry) => {
    removeAt(entry, path);
    const fd = checked(`make ${path}`, host.createAt(entry.directory, entry.name));
    if (mode !== 0o600) checked(`chmod ${path}`, host.setMode(fd, mode));
    return fd;
  });
}

/** Makes a new file with this content. */
export function writeBytes(root: string, path: string, bytes: Uint8Array, mode?: number): void {
  withDescriptor(`make ${path}`, createFile(root, path, mode), (fd) => writeToDescriptor(fd, bytes, `write ${path}`));
}

/** Makes a new file with this text. */
export function writeText(root: string, path: string, text: string): void {
  writeBytes(root, path, encodeUtf8(text), 0o644);
}

/** Replaces a file atomically: after a power cut it has either the old or the new content. */
export function replaceBytes(root: string, path: string, bytes: Uint8Array, mode = 0o644): void {
  const draft = `${path}.new`;
  withDescriptor(`make ${draft}`, createFile(root, draft, mode), (fd) => {
    writeToDescriptor(fd, bytes, `write ${draft}`);
    host.fsync(fd);
  });
  rename(root, draft, path);
}

/** Moves what is at a path, in place of what is at the other. */
export function rename(root: string, from: string, to: string): void {
  atEntry(root, from, (old) =>
    atEntry(root, to, (fresh) => {
      const result = host.renameAt(old.directory, old.name, fresh.directory, fresh.name, true);
      checked(`rename ${from} to ${to}`, result);
    }),
  );
}

/** Copies an open file to a new one, at most `limitBytes` bytes and one more, so that the excess shows in its hash. */
export function copyTo(root: string, path: string, from: { readonly fd: number; readonly limitBytes: number }): void {
  const operation = `copy to ${path}`;
  withDescriptor(operation, createFile(root, path), (fd) => copyDescriptor(from, fd, operation));
}

/** Copies from one open file to another, as `copyTo`. */
export function copyDescriptor(
  from: { readonly fd: number; readonly limitBytes: number },
  to: number,
  operation: string,
): void {
  const buffer = new Uint8Array(copyBufferBytes);
  for (let left = from.limitBytes + 1; left > 0; ) {
    const count = checked(operation, os.read(from.fd, buffer.buffer, 0, Math.min(left, buffer.length)));
    if (count === 0) return;
    writeToDescriptor(to, buffer.subarray(0, count), operation);
    left -= count;
  }
}

/** Copies a file of the agent. */
export function copyFile(root: string, path: string, to: { readonly path: string; readonly mode: number }): void {
  atFile(root, path, (fd) => copyTo(root, to.path, { fd, limitBytes: statOf(fd, path).size }));
  atPlace(root, to.path, (fd) => checked(`chmod ${to.path}`, host.setMode(fd, to.mode)));
}

/** SHA-512 of an open file, at most `limitBytes` bytes and one more; calls `alive` between slices. */
export function hashDescriptor(fd: number, limitBytes: number, alive: () => void): string {
  const state = host.sha512Begin();
  feed(state, fd, limitBytes + 1, alive);
  return host.sha512End(state);
}

/** Returns how many bytes the file had, up to the limit. */
function feed(state: ArrayBuffer, fd: number, limitBytes: number, alive: () => void): number {
  let left = limitBytes;
  while (left > 0) {
    alive();
    const wanted = Math.min(left, hashSliceBytes);
    const count = checked("hash a file", host.sha512Feed(state, fd, wanted));
    left -= count;
    if (count < wanted) break;
  }
  return limitBytes - left;
}

/** The state of a SHA-512 that was fed a file, and how many bytes that were. */
export function feedFile(
  root: string,
  path: string,
  alive: () => void,
): { readonly state: ArrayBuffer; readonly bytes: number } {
  return atFile(root, path, (fd) => {
    const state = host.sha512Begin();
    return { state, bytes: feed(state, fd, statOf(fd, path).size, alive) };
  });
}

/** SHA-512 of the file at a path. */
export function hashFile(root: string, path: string, alive: () => void = () => undefined): string {
  return atFile(root, path, (fd) => hashDescriptor(fd, statOf(fd, path).size, alive));
}

/** Makes a directory and its parents; keeps existing ones. */
export function makeDirectories(root: string, path: string, mode = 0o755): void {
  if (exists(root, path)) return;
  const parent = path.slice(0, path.lastIndexOf("/"));
  if (parent !== "") makeDirectories(root, parent);
  atEntry(root, path, ({ directory, name }) => {
    checked(`make directory ${path}`, host.makeDirectoryAt(directory, name, mode));
    withDescriptor(`open ${path}`, host.openBeneath(directory, name, "place"), (fd) =>
      checked(`chmod ${path}`, host.setMode(fd, mode)),
    );
  });
}

/** Removes a name that is not a directory's; a missing one is ignored. */
export function removeAt({ directory, name }: DirectoryEntry, path: string): void {
  const result = host.removeAt(directory, name, false);
  if (result < 0 && !isAbsent(result)) throw systemError(`remove ${path}`, result);
}

/** Removes the file at a path; a missing one is ignored. */
export function remove(root: string, path: string): void {
  ifThere(() => atEntry(root, path, (entry) => removeAt(entry, path)));
}

/** Removes a file or a directory with its contents; a missing path is ignored. */
export function removeTree(root: string, path: string): void {
  ifThere(() => atEntry(root, path, (entry) => removeTreeAt(entry, path)));
}

function removeTreeAt(entry: DirectoryEntry, path: string): void {
  const stat = statAt(entry, path);
  if (stat === undefined) return;
  const isDirectory = (stat.mode & fileType.mask) === fileType.directory;
  if (isDirectory)
    withDescriptor(`open ${path}`, host.openBeneath(entry.directory, entry.name, "directory"), (directory) => {
      for (const name of namesIn(directory, path)) removeTreeAt({ directory, name }, `${path}/${name}`);
    });
  checked(`remove ${path}`, host.removeAt(entry.directory, entry.name, isDirectory));
}

function ifThere(work: () => void): void {
  try {
    work();
  } catch (error) {
    const errno = errnoIn(error);
    if (errno === undefined || (!isAbsent(errno) && errno !== errnoOf.ENOTDIR)) throw error;
  }
}
