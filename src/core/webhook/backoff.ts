/** The first wait of a call that failed, doubled with each failure up to the longest. */
const firstRetryMs = 1000;
const longestRetryMs = 600_000;
/** What nobody took for so long is given up. */
export const giveUpAfterMs = 3 * 86_400_000;

/**
 * Milliseconds until a call is tried again that has failed so often (1 or more). `chance`, 0 up to 1, spreads the calls of many
 * over the second half of the wait, so that a receiver that comes back is not overrun.
 */
export function retryDelayMs(failures: number, chance: number): number {
  const wait = Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(failures - 1, 20));
  return Math.round(wait / 2 + (wait / 2) * chance);
}
