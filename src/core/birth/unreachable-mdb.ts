/** How long an agent that was never answered at the permanent address retries before it restarts its machine. */
export const loneSubSeconds = 600;

/** What an agent does when the MDB is unreachable; seconds until the restart that is then due. */
export type Loneliness =
  | { readonly kind: "goOn" }
  | { readonly kind: "restartLater"; readonly inSeconds: number }
  | { readonly kind: "restart" };

/**
 * An agent that is PID 1 directly after the birth, or under a kernel on trial, and never got an answer has an address, a
 * cable or a route that does not work, and no console to log in to. A restart makes the machine send a PXE request, which
 * the MDB sees. An agent that got an answer before only waits: the server is down, and a restart would interrupt a machine
 * whose disk is half written.
 */
export function decideLoneSub(seen: {
  /** Whether it is PID 1, or runs under a kernel that is not confirmed yet while a confirmed one is there to go back to. */
  readonly canGoBack: boolean;
  /** Whether the MDB has ever answered this process. */
  readonly answered: boolean;
  /** Since the start of the process. */
  readonly elapsedMs: number;
}): Loneliness {
  const { canGoBack, answered, elapsedMs } = seen;
  if (!canGoBack || answered) return { kind: "goOn" };
  const inSeconds = Math.ceil(loneSubSeconds - elapsedMs / 1000);
  return inSeconds > 0 ? { kind: "restartLater", inSeconds } : { kind: "restart" };
}
