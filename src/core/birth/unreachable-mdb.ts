/** How long an agent that was never answered at the permanent address goes on trying before it restarts its machine. */
export const loneSubSeconds = 600;

/** What an agent does when the MDB cannot be asked; seconds until the restart that is then due. */
export type Loneliness =
  | { readonly kind: "goOn" }
  | { readonly kind: "restartLater"; readonly inSeconds: number }
  | { readonly kind: "restart" };

/**
 * A sub that is PID 1 straight after the birth and was never answered hangs at an address, a cable or a route that does not
 * work: nobody hears of it, and it has no console to log in. A restart makes the machine ask PXE, which the MDB sees. One that
 * was answered before only waits: the server is away, and a restart would lose a machine whose disk is half written.
 */
export function decideLoneSub(seen: {
  readonly pidOne: boolean;
  /** Whether the MDB has ever answered this process. */
  readonly answered: boolean;
  /** Since the process began. */
  readonly elapsedMs: number;
}): Loneliness {
  const { pidOne, answered, elapsedMs } = seen;
  if (!pidOne || answered) return { kind: "goOn" };
  const inSeconds = Math.ceil(loneSubSeconds - elapsedMs / 1000);
  return inSeconds > 0 ? { kind: "restartLater", inSeconds } : { kind: "restart" };
}
