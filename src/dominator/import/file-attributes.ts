import koffi from "koffi";
import type { SourceAttribute } from "../../core/image/attributes/carry.ts";

const libc = koffi.load("libc.so.6");
const listAttributes = libc.func("long llistxattr(const char *, _Out_ uint8_t *, size_t)");
const getAttribute = libc.func("long lgetxattr(const char *, const char *, _Out_ uint8_t *, size_t)");

/** XATTR_LIST_MAX and XATTR_SIZE_MAX (linux/limits.h). */
const buffer = new Uint8Array(65_536);
/** asm-generic/errno.h: a file system that has no extended attributes, and one that is gone meanwhile. */
const notSupported = 95;
const noData = 61;

/** The names of a file's extended attributes (llistxattr(2)); those of a symbolic link, not of what it leads to. */
function attributeNames(path: string): readonly string[] {
  const length: number = listAttributes(path, buffer, buffer.length);
  if (length < 0 && koffi.errno() !== notSupported)
    throw new Error(`listing the extended attributes of ${path} failed: errno ${koffi.errno()}`);
  if (length <= 0) return [];
  return Buffer.from(buffer.subarray(0, length - 1))
    .toString("utf8")
    .split("\0");
}

/** A file's extended attributes; those of a symbolic link, not of what it leads to. */
export function fileAttributes(path: string): readonly SourceAttribute[] {
  return attributeNames(path).flatMap((name) => {
    const length: number = getAttribute(path, name, buffer, buffer.length);
    if (length >= 0) return [{ name, value: buffer.slice(0, length) }];
    // A name that is not UTF-8 is not found again.
    if (koffi.errno() === noData) return [{ name, value: new Uint8Array() }];
    throw new Error(`reading the extended attribute ${name} of ${path} failed: errno ${koffi.errno()}`);
  });
}
