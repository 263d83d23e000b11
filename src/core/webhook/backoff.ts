/** The first wait of a call that failed, doubled with each failure up to the longest. */
const firstRetryMs = 1000;
const longestRetryMs = 600_000;
/** A notification is dropped after this time without delivery. */
export const giveUpAfterMs = 3 * 86_400_000;

/**
 * Milliseconds until the next attempt after this many failures (1 or more). `chance`, from 0 to below 1, spreads retries over
 * the second half of the wait, so that they do not overrun a receiver that has recovered.
 */
export function retryDelayMs(failures: number, chance: number): number {
  const wait = Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(failures - 1, 20));
  return Math.round(wait / 2 + (wait / 2) * chance);
}
