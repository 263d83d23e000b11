/** A peer that does what it can and cannot serve now: it is full, has not got a content itself, or knows another key. */
export function unready(reason: string): Error {
  return Object.assign(new Error(reason), { isUnready: true });
}

/** Whether an error is of that kind, so that the peer is not to blame. */
export function isUnready(error: unknown): boolean {
  return error instanceof Error && "isUnready" in error;
}
