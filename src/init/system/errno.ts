import * as std from "std";

/** An Error that names the operation and the text of an errno (as `os` functions return it, negative or not). */
export function systemError(operation: string, errno: number): Error {
  return new Error(`${operation}: ${std.strerror(Math.abs(errno))}`);
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
