/** The birth cannot continue: the reason, and a next step if it is more specific than the one of the birth step. */
export type Stop = Error & { readonly next?: string };

/** An error that ends the birth of this machine; `next` is one sentence. */
export function stop(reason: string, next?: string): Stop {
  return next === undefined ? new Error(reason) : Object.assign(new Error(reason), { next });
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
