import type { LocalMethod } from "./method-table.ts";

/** The latest attempt to send one stage of a NIC to its disk. */
export type Attempt = {
  readonly method: LocalMethod;
  /** Methods after which the client came back, oldest first. */
  readonly failed: readonly LocalMethod[];
  /** The client's transaction (xid): the same one again is a retransmission. */
  readonly session: number;
  /**
   * `offered`: the client asked, and has not answered the offer. `answered`: it got its final answer, so that another DISCOVER
   * means that it came back. `elsewhere`: it took the offer of another server, which may have sent it anywhere.
   */
  readonly outcome: "offered" | "answered" | "elsewhere";
  /** By the monotonic clock. */
  readonly atMs: number;
};

/** A request within this time after the machine was sent to its disk means that it did not boot from there. */
export const backAgainMs = 60_000;

/** How long failed methods are remembered: some firmware needs minutes for a cycle. */
export const rememberMs = 600_000;

/**
 * The next attempt for a client that is due to boot locally: the same method in the same boot, the next method if it came
 * back within a minute from a method of this server, otherwise the best one. After all have failed it starts again, because then the disk probably does
 * not boot. `methods` are the usable ones, best first; never empty.
 */
export function askLocal(
  before: Attempt | undefined,
  given: {
    readonly methods: readonly [LocalMethod, ...LocalMethod[]];
    readonly session: number;
    readonly discover: boolean;
  },
  nowMs: number,
): Attempt {
  const { methods, session, discover } = given;
  const outcome = discover ? "offered" : "answered";
  const quietMs = before === undefined ? rememberMs : nowMs - before.atMs;
  if (before === undefined || quietMs >= rememberMs)
    return { method: methods[0], failed: [], session, outcome, atMs: nowMs };
  const sameBoot = before.session === session && !(before.outcome === "answered" && discover);
  if (quietMs < backAgainMs && (sameBoot || !discover)) return { ...before, session, outcome, atMs: nowMs };
  const hasFailed = quietMs < backAgainMs && before.outcome !== "elsewhere";
  const failed = hasFailed ? [...before.failed, before.method] : before.failed;
  const next = methods.find((method) => !failed.includes(method));
  if (next === undefined) return { method: methods[0], failed: [], session, outcome, atMs: nowMs };
  return { method: next, failed, session, outcome, atMs: nowMs };
}
