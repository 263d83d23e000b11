/** Clocks of servers on one database differ by less than this. */
export const clockToleranceMs = 300_000;

/** Whether a recorded time lies in the future: it was noted while a clock was wrong, and says nothing. */
export function isAhead(atMs: number, nowMs: number): boolean {
  return atMs - nowMs > clockToleranceMs;
}

/** A recorded time, or the beginning of time for one that lies in the future. */
export function knownTime(atMs: number, nowMs: number): number {
  return isAhead(atMs, nowMs) ? 0 : atMs;
}

/** Whether less than this has passed since a recorded time; a time in the future does not count as recent. */
export function isWithin(limitMs: number, atMs: number, nowMs: number): boolean {
  return !isAhead(atMs, nowMs) && nowMs - atMs < limitMs;
}
