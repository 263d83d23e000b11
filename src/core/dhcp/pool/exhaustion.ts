/** An exhausted pool: since when, the number of refused requests, and the time of the latest log entry. */
export type Exhaustion = {
  readonly sinceMs: number;
  /** Requests without an answer because no address was free. */
  readonly refused: number;
  readonly saidAtMs: number;
};

/** Interval of log entries after the first: four thousand requests must not cause as many lines. */
export const exhaustionSaidEveryMs = 60_000;

/** Counts a refused request; `say` tells whether to log it now. */
export function noteRefused(
  before: Exhaustion | undefined,
  nowMs: number,
): { readonly exhaustion: Exhaustion; readonly say: boolean } {
  if (before === undefined) return { exhaustion: { sinceMs: nowMs, refused: 1, saidAtMs: nowMs }, say: true };
  const say = Math.abs(nowMs - before.saidAtMs) >= exhaustionSaidEveryMs;
  return { exhaustion: { ...before, refused: before.refused + 1, ...(say ? { saidAtMs: nowMs } : {}) }, say };
}
