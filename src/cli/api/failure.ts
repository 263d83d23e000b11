import { errorCode } from "../../core/error-code.ts";

/** The exit statuses, listed in the help of `birther`. */
export const exitStatus = {
  done: 0,
  /** The server refused the request, or the request failed. */
  failed: 1,
  /** The command line or the configuration is wrong. */
  misused: 2,
  /** No server is running, or its answer broke off. */
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

/** Whether an error while an answer was read says that the connection was cut before the answer's end (Node's code of it). */
export function isCutOff(cause: unknown): boolean {
  return errorCode(cause) === "ECONNRESET";
}

/**
 * What is thrown for an error while the answer to a question, or with another method to an act, was read: if it was cut off, that it
 * broke off, with a next step; else the error itself.
 */
export function readFailure(cause: unknown, method = "GET"): unknown {
  if (!isCutOff(cause)) return cause;
  return failure("noServer", "the server's answer broke off before its end", afterLost(method));
}

/** What to do when there was no answer, or no whole one, to a request with a method. */
export function afterLost(method: string | undefined): string {
  return method === "GET"
    ? "run the command again: the server may have been restarted; its log says why"
    : "it may have been done: look at birther audit -n 5 before you run the command again";
}

/** The exit status of an error; 1 for an unexpected error. */
export function statusOf(error: unknown): number {
  if (!(error instanceof Error) || !("exitStatus" in error)) return exitStatus.failed;
  return Number(error.exitStatus);
}
