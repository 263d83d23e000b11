import koffi from "koffi";

const listAttributes = koffi.load("libc.so.6").func("long llistxattr(const char *, _Out_ uint8_t *, size_t)");

/** XATTR_LIST_MAX (linux/limits.h). */
const buffer = new Uint8Array(65_536);
/** asm-generic/errno.h: a file system that has no extended attributes. */
const notSupported = 95;

/** The names of a file's extended attributes (llistxattr(2)); those of a symbolic link, not of what it leads to. */
export function attributeNames(path: string): readonly string[] {
  const length: number = listAttributes(path, buffer, buffer.length);
  if (length < 0 && koffi.errno() !== notSupported)
    throw new Error(`listing the extended attributes of ${path} failed: errno ${koffi.errno()}`);
  if (length <= 0) return [];
  return Buffer.from(buffer.subarray(0, length - 1))
    .toString("utf8")
    .split("\0");
}
