/** Marks what went wrong on this machine itself while it stored contents, such as a full disk: those who sent them are not to blame. */
export function ownFault(error: unknown): Error {
  return Object.assign(error instanceof Error ? error : new Error(String(error)), { isOwnFault: true });
}

/** Whether an error is this machine's own. */
export function isOwnFault(error: unknown): boolean {
  return error instanceof Error && "isOwnFault" in error;
}

/** Runs work on this machine's own disk; what it throws is marked. */
export function ownWork<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw ownFault(error);
  }
}
