import type { LocalMethod } from "./method-table.ts";

/** How one NIC's stage was last sent to its disk. */
export type Attempt = {
  readonly method: LocalMethod;
  /** Methods after which it came back asking, oldest first. */
  readonly failed: readonly LocalMethod[];
  /** The client's transaction (xid): the same one again is a retransmission. */
  readonly session: number;
  /** Whether it has had its last answer, so that another DISCOVER means that it came back. */
  readonly ended: boolean;
  readonly atMs: number;
};

/** A machine that asks again so soon after it was sent to its disk did not get there. */
export const backAgainMs = 60_000;

/** For so long it is remembered what a machine came back from: some firmware takes minutes for a round. */
export const rememberMs = 600_000;

/**
 * The next attempt when a client that is to boot locally asks: the method that it had if this is the same boot, the
 * next one if it came back within a minute, the best one otherwise. When all have failed it begins anew: then it is
 * rather the disk that does not boot. `methods` are those that can be used, best first, and never none.
 */
export function askLocal(
  before: Attempt | undefined,
  asked: {
    readonly methods: readonly [LocalMethod, ...LocalMethod[]];
    readonly session: number;
    readonly discover: boolean;
  },
  nowMs: number,
): Attempt {
  const { methods, session, discover } = asked;
  const ended = !discover;
  const quietMs = before === undefined ? rememberMs : nowMs - before.atMs;
  if (before === undefined || quietMs >= rememberMs)
    return { method: methods[0], failed: [], session, ended, atMs: nowMs };
  const sameBoot = before.session === session && !(before.ended && discover);
  if (quietMs < backAgainMs && (sameBoot || !discover)) return { ...before, session, ended, atMs: nowMs };
  const failed = quietMs < backAgainMs ? [...before.failed, before.method] : before.failed;
  const next = methods.find((method) => !failed.includes(method));
  if (next === undefined) return { method: methods[0], failed: [], session, ended, atMs: nowMs };
  return { method: next, failed, session, ended, atMs: nowMs };
}
