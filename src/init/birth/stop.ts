/** The birth cannot go on: why, and what a person can do where that is known better than by the step's name. */
export type Stop = Error & { readonly next?: string };

/** An error that ends the birth of this machine; `next` is one sentence. */
export function stop(reason: string, next?: string): Stop {
  return next === undefined ? new Error(reason) : Object.assign(new Error(reason), { next });
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
