/** A peer that does what it can and cannot serve now: it is full, has not got a content itself, or knows another key. */
export function unready(reason: string): Error {
  return Object.assign(new Error(reason), { isUnready: true });
}

/** A peer that serves the files of its system does not have a content: it never will, and is not to blame. */
export function lacking(reason: string): Error {
  return Object.assign(unready(reason), { isLacking: true });
}

/** Whether an error says that a peer lacks a content. */
export function isLacking(error: unknown): boolean {
  return error instanceof Error && "isLacking" in error;
}

/** Whether an error says that a peer cannot serve now, so that the peer is not to blame. */
export function isUnready(error: unknown): boolean {
  return error instanceof Error && "isUnready" in error;
}
