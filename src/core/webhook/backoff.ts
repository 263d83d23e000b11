import { isWithin } from "../clock-jump.ts";

/** The first wait of a call that failed, doubled with each failure up to the longest. */
const firstRetryMs = 1000;
const longestRetryMs = 600_000;
/** A notification is dropped after this time without delivery. */
const giveUpAfterMs = 3 * 86_400_000;
/** A server tries this long before it believes the clock that three days have passed. */
const leastTriedMs = 3_600_000;

/**
 * Milliseconds until the next attempt after this many failures (1 or more). `chance`, from 0 to below 1, spreads retries over
 * the second half of the wait, so that they do not overrun a receiver that has recovered.
 */
export function retryDelayMs(failures: number, chance: number): number {
  const wait = Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(failures - 1, 20));
  return Math.round(wait / 2 + (wait / 2) * chance);
}

/**
 * Whether a notification of `atMs` that this server has tried to deliver for `triedMs` is to be dropped. A clock that jumped
 * ahead drops nothing within the hour, and one that was ahead when the notification was made keeps it for three days of trying.
 */
export function isUndeliverable(atMs: number, triedMs: number, nowMs: number): boolean {
  if (triedMs > giveUpAfterMs) return true;
  return triedMs > leastTriedMs && atMs <= nowMs && !isWithin(giveUpAfterMs, atMs, nowMs);
}
