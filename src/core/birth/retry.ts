/** The meaning of an HTTP status from the MDB (RFC 9110 §15): an answer, a reason to retry, or a refusal. */
export function meaningOf(status: number): "answered" | "later" | "refused" {
  if (status === 200) return "answered";
  return passingStatuses.includes(status) ? "later" : "refused";
}

/** Whether a status says that the server cannot answer now, so that another one may; 429 is about the machine. */
export function isOfServer(status: number): boolean {
  return status >= 500;
}

const passingStatuses: readonly number[] = [408, 425, 429, 500, 502, 503, 504];
const firstPauseMs = 500;
const longestPauseMs = 10_000;

/** The pause before the next attempt, or the end of the attempts. */
export type NextTry = { readonly kind: "wait"; readonly pauseMs: number } | { readonly kind: "giveUp" };

/**
 * Whether to try once more after `failures` failures (1 or more) in `elapsedMs`: after pauses that double from half a
 * second to ten, as long as the pause still fits into `retryMs`.
 */
export function nextTry(failures: number, elapsedMs: number, retryMs: number): NextTry {
  const pauseMs = Math.min(firstPauseMs * 2 ** (failures - 1), longestPauseMs);
  return elapsedMs + pauseMs > retryMs ? { kind: "giveUp" } : { kind: "wait", pauseMs };
}

/** A server that names a longer pause is not believed: it may have changed its mind. */
const longestNamedPauseMs = 60_000;

/** The seconds of a `Retry-After` header (RFC 9110 §10.2.3), if it has a number of them. */
export function readRetryAfter(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,6}$/.test(header) ? Number(header) : undefined;
}

/** The pause before the next attempt: our own, or the one that the server named if that is longer. */
export function pauseMsOf(ownMs: number, namedSeconds: number | undefined): number {
  return Math.max(ownMs, Math.min((namedSeconds ?? 0) * 1000, longestNamedPauseMs));
}
