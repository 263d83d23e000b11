/**
 * How many machines that nobody knows may still be taken in on a network: a bucket that holds a minute's worth and fills
 * evenly. Each newcomer costs a record in memory and on disk, and anybody on the wire can invent hardware addresses.
 */
export type Newcomers = {
  readonly tokens: number;
  readonly atMs: number;
  /** Turned away since it was last said, and when that was. */
  readonly refused: number;
  readonly saidAtMs: number;
};

/** Default of `maxNewMachinesPerMinute`: a hundred racks of 40 at once, and half as many again. */
export const defaultNewMachinesPerMinute = 6000;

/** Default of `maxMachines`, the records of all kinds beyond which nobody unknown is taken in: fifty times a hundred racks. */
export const defaultMaxMachines = 200_000;

/** How often it is said that newcomers are turned away. */
const sayAgainMs = 60_000;

/** A full bucket. */
export function newNewcomers(perMinute: number, nowMs: number): Newcomers {
  return { tokens: perMinute, atMs: nowMs, refused: 0, saidAtMs: Number.NEGATIVE_INFINITY };
}

/**
 * One more asks: whether it is taken in, or which limit keeps it out, and whether the operator is to be told that. `machines`
 * is how many records there are.
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
