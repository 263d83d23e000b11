/** How a boot ended: what the machine does next is for the test to say. */
export type RunEnd =
  /** reboot(2). */
  | { readonly kind: "restarted"; readonly how: "restart" | "powerOff" | "halt" }
  /** PID 1 became another program on the new root. */
  | { readonly kind: "switchedRoot"; readonly argv: readonly string[] }
  /** The hardware watchdog was not petted in time, or the kernel was told to reset at once (sysrq). */
  | { readonly kind: "reset"; readonly by: "watchdog" | "sysrq" }
  | { readonly kind: "powerCut" }
  /** Something waits for what never comes, and no watchdog ends it. */
  | { readonly kind: "hung" }
  /** The script came to its end, as a service's may; for PID 1 the kernel panics. */
  | { readonly kind: "exited" }
  /** The test has seen enough. */
  | { readonly kind: "stopped"; readonly why: string };

/** Thrown out of a system call that does not return, and out of every one after it: no `catch` of the program can go on. */
export type EndOfRun = Error & { readonly end: RunEnd };

/** The Error that ends a run. */
export function endOfRun(end: RunEnd): EndOfRun {
  return Object.assign(new Error(`the run has ended: ${end.kind}`), { end });
}

/** How a run ended, if that is what was thrown. */
export function endIn(error: unknown): RunEnd | undefined {
  return isEndOfRun(error) ? error.end : undefined;
}

function isEndOfRun(error: unknown): error is EndOfRun {
  return error instanceof Error && "end" in error;
}
