/** Errors of system calls, by their names in errno(3), with the numbers and texts of Linux and glibc. */
const table = {
  EPERM: [1, "Operation not permitted"],
  ENOENT: [2, "No such file or directory"],
  EIO: [5, "Input/output error"],
  ENXIO: [6, "No such device or address"],
  EBADF: [9, "Bad file descriptor"],
  ECHILD: [10, "No child processes"],
  EAGAIN: [11, "Resource temporarily unavailable"],
  EACCES: [13, "Permission denied"],
  EBUSY: [16, "Device or resource busy"],
  EEXIST: [17, "File exists"],
  EXDEV: [18, "Invalid cross-device link"],
  ENODEV: [19, "No such device"],
  ENOTDIR: [20, "Not a directory"],
  EISDIR: [21, "Is a directory"],
  EINVAL: [22, "Invalid argument"],
  ENOTTY: [25, "Inappropriate ioctl for device"],
  ENOSPC: [28, "No space left on device"],
  EROFS: [30, "Read-only file system"],
  EPIPE: [32, "Broken pipe"],
  ENOSYS: [38, "Function not implemented"],
  ENOTEMPTY: [39, "Directory not empty"],
  ELOOP: [40, "Too many levels of symbolic links"],
  EOPNOTSUPP: [95, "Operation not supported"],
  ENETUNREACH: [101, "Network is unreachable"],
  ECONNRESET: [104, "Connection reset by peer"],
  ETIMEDOUT: [110, "Connection timed out"],
  ECONNREFUSED: [111, "Connection refused"],
  EHOSTUNREACH: [113, "No route to host"],
} as const satisfies { readonly [name: string]: readonly [number, string] };

/** The name of an error, as in errno(3). */
export type ErrnoName = keyof typeof table;

/** A failed system call; only the modules `host`, `os` and `std` see it. */
export type SystemFault = Error & { readonly errno: ErrnoName };

/** Makes the Error of a failed system call. */
export function fault(errno: ErrnoName): SystemFault {
  return Object.assign(new Error(errno), { errno });
}

/** Whether an exception is a failed system call rather than the end of the run or a mistake of ours. */
export function isFault(error: unknown): error is SystemFault {
  return error instanceof Error && "errno" in error && typeof error.errno === "string" && error.errno in table;
}

/** The number of an error, positive. */
export function numberOf(errno: ErrnoName): number {
  return table[errno][0];
}

/** Does a call that throws for no fault of the world: its result, or -errno. */
export function orErrno<Result>(call: () => Result): Result | number {
  try {
    return call();
  } catch (error) {
    if (isFault(error)) return -numberOf(error.errno);
    throw error;
  }
}

/** The text of an error number, as from strerror(3). */
export function textOf(number: number): string {
  const row = Object.values(table).find(([each]) => each === number);
  return row?.[1] ?? `Unknown error ${number}`;
}
