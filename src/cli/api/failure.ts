/** The exit statuses, listed in the help of `birther`. */
export const exitStatus = {
  done: 0,
  /** The server refused the request, or the request failed. */
  failed: 1,
  /** The command line or the configuration is wrong. */
  misused: 2,
  /** No server is running. */
  noServer: 3,
  /** `status`: the server answers, and machines fail or conflict. */
  unhealthy: 4,
  /** A signal ended it: 128 plus the number of SIGINT, as shells count. */
  interrupted: 130,
} as const;

/** An error whose message is printed unchanged, with the next step on a separate line. */
export function failure(status: keyof typeof exitStatus, message: string, next?: string): Error {
  return Object.assign(new Error(next === undefined ? message : `${message}\n${next}`), {
    exitStatus: exitStatus[status],
  });
}

/** The exit status of an error; 1 for an unexpected error. */
export function statusOf(error: unknown): number {
  if (!(error instanceof Error) || !("exitStatus" in error)) return exitStatus.failed;
  return Number(error.exitStatus);
}
