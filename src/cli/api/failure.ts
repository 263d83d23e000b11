/** How the command ends; in the help of `birther` and in docs/cli.md. */
export const exitStatus = {
  done: 0,
  /** The server refused, or what was asked for failed. */
  failed: 1,
  /** The command line or the configuration is wrong. */
  misused: 2,
  /** No server runs there. */
  noServer: 3,
} as const;

/** An error whose message is for the person at the terminal as it is, with what to do next on a line of its own. */
export function failure(status: keyof typeof exitStatus, message: string, next?: string): Error {
  return Object.assign(new Error(next === undefined ? message : `${message}\n${next}`), {
    exitStatus: exitStatus[status],
  });
}

/** The exit status that an error asks for; 1 for one that nobody foresaw. */
export function statusOf(error: unknown): number {
  if (!(error instanceof Error) || !("exitStatus" in error)) return exitStatus.failed;
  return Number(error.exitStatus);
}
