/** A computed answer with the time at which its computation began. */
type Made<T> = { readonly value: Promise<T>; readonly atMs: number };

/**
 * An answer that many callers share: it is computed once at a time, and the result is valid for `validMs`. Fifty screens
 * that ask for the same figures cost no more than one.
 */
export function sharedAnswer<T>(make: () => Promise<T>, validMs: number, nowMs = () => performance.now()) {
  let made: Made<T> | undefined;
  return (): Promise<T> => {
    if (made !== undefined && nowMs() - made.atMs < validMs) return made.value;
    const next = { value: make(), atMs: nowMs() };
    made = next;
    // A failure is not kept.
    next.value.catch(() => {
      if (made === next) made = undefined;
    });
    return next.value;
  };
}
