/** A pool that has run out: since when, who went without, and when that was last said. */
export type Exhaustion = {
  readonly sinceMs: number;
  /** Requests that got no answer for want of an address. */
  readonly refused: number;
  readonly saidAtMs: number;
};

/** It is said at once, and then this often while it lasts: four thousand machines that ask must not be as many lines. */
export const exhaustionSaidEveryMs = 60_000;

/** One more request went without; `say` whether it is time to say so. */
export function noteRefused(
  before: Exhaustion | undefined,
  nowMs: number,
): { readonly exhaustion: Exhaustion; readonly say: boolean } {
  if (before === undefined) return { exhaustion: { sinceMs: nowMs, refused: 1, saidAtMs: nowMs }, say: true };
  const say = nowMs - before.saidAtMs >= exhaustionSaidEveryMs;
  return { exhaustion: { ...before, refused: before.refused + 1, ...(say ? { saidAtMs: nowMs } : {}) }, say };
}
