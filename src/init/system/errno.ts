import * as std from "std";

/** Linux errno values that `std` does not name (asm-generic/errno-base.h, errno.h). */
export const errnoOf = { EEXIST: 17, EXDEV: 18, ENOTDIR: 20, EISDIR: 21, ENOTEMPTY: 39, ELOOP: 40 } as const;

/** An Error that names the operation and the text of an errno (as `os` functions return it, negative or not), and has the number. */
export function systemError(operation: string, errno: number): Error {
  const number = Math.abs(errno);
  return Object.assign(new Error(`${operation}: ${std.strerror(number)}`), { errno: number });
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
