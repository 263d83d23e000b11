/** How a boot ended; the test decides what the machine does next. */
export type RunEnd =
  /** reboot(2). */
  | { readonly kind: "restarted"; readonly how: "restart" | "powerOff" | "halt" }
  /** PID 1 became another program on the new root. */
  | { readonly kind: "switchedRoot"; readonly argv: readonly string[] }
  /** The hardware watchdog was not petted in time, or the kernel had to reset at once (sysrq). */
  | { readonly kind: "reset"; readonly by: "watchdog" | "sysrq" }
  | { readonly kind: "powerCut" }
  /** A process waits for an event that never comes, and no watchdog ends it. */
  | { readonly kind: "hung" }
  /** The script ended, as a service may; for PID 1 the kernel panics. */
  | { readonly kind: "exited" }
  /** The test has seen enough. */
  | { readonly kind: "stopped"; readonly why: string };

/**
 * Thrown by a system call that does not return, and by every later one, so that no `catch` of the program can continue.
 */
export type EndOfRun = Error & { readonly end: RunEnd };

/** Makes the Error that ends a run. */
export function endOfRun(end: RunEnd): EndOfRun {
  return Object.assign(new Error(`the run has ended: ${end.kind}`), { end });
}

/** How a run ended, if the exception is the end of a run. */
export function endIn(error: unknown): RunEnd | undefined {
  return isEndOfRun(error) ? error.end : undefined;
}

function isEndOfRun(error: unknown): error is EndOfRun {
  return error instanceof Error && "end" in error;
}
