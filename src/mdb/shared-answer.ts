/** An answer with the times at which its computation began and ended; it has not ended while `endMs` is undefined. */
type Made<T> = { readonly value: Promise<T>; readonly beganMs: number; endMs: number | undefined };

/** How long an answer is valid: its computation then takes at most a hundredth of the time, up to a limit. */
export type Validity = { readonly leastMs: number; readonly mostMs: number };
const timesItsCost = 100;

/**
 * An answer that many callers share: it is computed once at a time, and the result is valid for a while, which is longer
 * where it takes longer. Fifty screens that ask for the same figures cost no more than one.
 */
export function sharedAnswer<T>(
  make: () => Promise<T>,
  { leastMs, mostMs }: Validity,
  nowMs = () => performance.now(),
): () => Promise<T> {
  let made: Made<T> | undefined;
  const isValid = ({ beganMs, endMs }: Made<T>): boolean => {
    if (endMs === undefined) return nowMs() - beganMs < mostMs;
    return nowMs() - beganMs < Math.min(mostMs, Math.max(leastMs, timesItsCost * (endMs - beganMs)));
  };
  return () => {
    if (made !== undefined && isValid(made)) return made.value;
    const next: Made<T> = { value: make(), beganMs: nowMs(), endMs: undefined };
    made = next;
    const ended = () => {
      next.endMs = nowMs();
    };
    // A failure is not kept.
    const failed = () => {
      if (made === next) made = undefined;
    };
    next.value.then(ended, failed);
    return next.value;
  };
}
