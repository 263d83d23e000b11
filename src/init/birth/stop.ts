/**
 * The birth cannot continue: the reason, and a next step if it is more specific than the one of the birth step. `conflict`:
 * what was found contradicts itself or another host.
 */
export type Stop = Error & { readonly next?: string; readonly conflict?: true };

/** An error that ends the birth of this machine; `next` is one sentence. */
export function stop(reason: string, next?: string): Stop {
  return next === undefined ? new Error(reason) : Object.assign(new Error(reason), { next });
}

/** An error that ends the birth until a person has settled a contradiction. */
export function conflict(reason: string): Stop {
  return Object.assign(new Error(reason), { conflict: true as const });
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
