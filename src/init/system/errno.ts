import * as std from "std";

/** Linux errno values that `std` does not name (asm-generic/errno-base.h, errno.h). */
export const errnoOf = {
  EIO: 5,
  EAGAIN: 11,
  ENOMEM: 12,
  EEXIST: 17,
  EXDEV: 18,
  ENOTDIR: 20,
  ENFILE: 23,
  EMFILE: 24,
  ENOSPC: 28,
  EROFS: 30,
  ENOTEMPTY: 39,
  ELOOP: 40,
  /** A file system without extended attributes. */
  EOPNOTSUPP: 95,
} as const;

const { EIO, ENOMEM, ENFILE, EMFILE, ENOSPC, EROFS } = errnoOf;
const ofTheMachine: ReadonlySet<number> = new Set([EIO, ENOMEM, ENFILE, EMFILE, ENOSPC, EROFS]);

/**
 * Whether a system call failed for a reason that lies in the path that it was for, and that a user of the machine may have
 * caused. Anything else concerns the machine: its disk, memory, descriptors, or a broken invariant.
 */
export function isOfPath(error: unknown): boolean {
  const errno = errnoIn(error);
  return errno !== undefined && !ofTheMachine.has(errno);
}

/** What errno's text does not say, and a person must know. */
const hints: { readonly [errno: number]: string } = {
  [errnoOf.EXDEV]: " (another file system is mounted over it, or over a directory of it)",
};

/** An Error that names the operation and the text of an errno (as `os` functions return it, negative or not), and has the number. */
export function systemError(operation: string, errno: number): Error {
  const number = Math.abs(errno);
  return Object.assign(new Error(`${operation}: ${std.strerror(number)}${hints[number] ?? ""}`), { errno: number });
}

/** The errno of a failed system call; undefined for any other error. */
export function errnoIn(error: unknown): number | undefined {
  return error instanceof Error && "errno" in error && typeof error.errno === "number" ? error.errno : undefined;
}

/** The result of an `os` call; throws if it is a negative errno. */
export function checked(operation: string, result: number): number {
  if (result < 0) throw systemError(operation, result);
  return result;
}

/** Whether an errno says that a path does not exist (ENOENT), negative or not. */
export function isAbsent(errno: number): boolean {
  return Math.abs(errno) === std.Error.ENOENT;
}
