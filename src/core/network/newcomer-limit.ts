/**
 * How many unknown machines may still be accepted on a network: a token bucket for one minute's worth, which fills evenly.
 * Each newcomer costs a record in memory and on disk, and any host on the network can invent MAC addresses.
 */
export type Newcomers = {
  readonly tokens: number;
  readonly atMs: number;
  /** Newcomers refused since the last log entry, and its time. */
  readonly refused: number;
  readonly saidAtMs: number;
};

/** Default of `maxNewMachinesPerMinute`: a hundred racks of 40 at once, and half as many again. */
export const defaultNewMachinesPerMinute = 6000;

/** Default of `maxMachines`, the number of records beyond which unknown machines are ignored: fifty times a hundred racks. */
export const defaultMaxMachines = 200_000;

/** Interval between log entries about refused newcomers. */
const sayAgainMs = 60_000;

/** The initial state: a full bucket. */
export function newNewcomers(perMinute: number, nowMs: number): Newcomers {
  return { tokens: perMinute, atMs: nowMs, refused: 0, saidAtMs: Number.NEGATIVE_INFINITY };
}

/**
 * Decides about one more newcomer: accepted, or refused by which limit, and whether to log that. `machines` is the number of
 * records.
 */
export function admitNewcomer(
  before: Newcomers,
  of: { readonly perMinute: number; readonly machines: number; readonly maxMachines: number },
  nowMs: number,
): {
  readonly newcomers: Newcomers;
  readonly outcome: "admitted" | "tooManyAtOnce" | "tooManyMachines";
  readonly say: boolean;
} {
  const isFull = of.machines >= of.maxMachines;
  const filled = before.tokens + (Math.max(0, nowMs - before.atMs) * of.perMinute) / 60_000;
  const tokens = Math.min(of.perMinute, filled);
  if (tokens >= 1 && !isFull)
    return { newcomers: { ...before, tokens: tokens - 1, atMs: nowMs }, outcome: "admitted", say: false };
  const say = nowMs - before.saidAtMs >= sayAgainMs;
  const refused = before.refused + 1;
  return {
    newcomers: { tokens, atMs: nowMs, refused: say ? 0 : refused, saidAtMs: say ? nowMs : before.saidAtMs },
    outcome: isFull ? "tooManyMachines" : "tooManyAtOnce",
    say,
  };
}
