import { responsesTo } from "../../core/machine/life/boot.ts";
import type { Machine, MachineId } from "../../core/machine/record.ts";
import { asksAgain, countedMs, type PxeAsked } from "../../core/machine/requests.ts";
import type { Clock, Log, Store } from "../../core/ports.ts";

type Sum = { requests: number; responses: number; lastAtMs: number; readonly sinceMs: number };

/** Counts PXE requests that tell nothing new, so that a machine that asks a hundred times is not written down as often. */
export type RequestTally = AsyncDisposable & {
  /** False for one that is to be written down at once: it tells more than that the machine asked again. */
  readonly counts: (machine: Machine, asked: PxeAsked) => boolean;
};

/** How often sums are written while some are due, and how many at once: what a burst has left must not hold up the packets. */
const tickMs = 50;
const writtenAtOnce = 200;
/** After each writing it rests nine times as long: while the database is busy with machines never seen before, counts can wait. */
const restTimes = 9;

/** Opens a tally over a store. Its sums are written after `countedMs`, later while the database is busy, and the last ones when it is disposed of. */
export function openRequestTally(deps: {
  readonly store: Pick<Store, "get" | "apply">;
  readonly clock: Clock;
  readonly log: Log;
}): RequestTally {
  const { store, clock, log } = deps;
  /** At most one for each machine, the one that is due first at the head. */
  const sums = new Map<MachineId, Sum>();
  let writing: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let restUntilMs = 0;
  let isOver = false;

  const write = async (id: MachineId, { requests, responses, lastAtMs }: Sum): Promise<number> => {
    // A record that was merged into another has no counts any more.
    if (store.get(id) === undefined) return 0;
    try {
      await store.apply({ kind: "pxeAskedAgain", id, requests, responses, lastAtMs });
      return 0;
    } catch {
      return requests;
    }
  };
  const writeDue = async (dueMs: number): Promise<void> => {
    const due: Promise<number>[] = [];
    for (const [id, sum] of sums) {
      if (sum.sinceMs > dueMs || due.length === writtenAtOnce) break;
      sums.delete(id);
      due.push(write(id, sum));
    }
    const lost = (await Promise.all(due)).reduce((whole, one) => whole + one, 0);
    if (lost > 0)
      log("error", "PXE requests are missing in the counts, because they could not be written", { requests: lost });
  };
  const tick = () => {
    timer = undefined;
    const begunMs = clock.monotonicMs();
    writing = writeDue(begunMs - countedMs).finally(() => {
      writing = undefined;
      const endedMs = clock.monotonicMs();
      restUntilMs = endedMs + restTimes * (endedMs - begunMs);
      plan();
    });
  };
  /** For when the first sum is due. Not while others are being written: what waits for a slow database waits here, as a sum. */
  const plan = () => {
    if (timer !== undefined || writing !== undefined || isOver) return;
    const [first] = sums.values();
    if (first === undefined) return;
    const dueMs = Math.max(first.sinceMs + countedMs, restUntilMs);
    timer = setTimeout(tick, Math.max(tickMs, dueMs - clock.monotonicMs())).unref();
  };

  return {
    counts: (machine, asked) => {
      const nowMs = clock.nowMs();
      if (!asksAgain(machine, asked, nowMs)) return false;
      const before = sums.get(machine.id);
      const sum = before ?? { requests: 0, responses: 0, lastAtMs: nowMs, sinceMs: clock.monotonicMs() };
      if (before === undefined) {
        sums.set(machine.id, sum);
        plan();
      }
      sum.requests += 1;
      sum.responses += responsesTo(asked);
      sum.lastAtMs = nowMs;
      return true;
    },
    [Symbol.asyncDispose]: async () => {
      isOver = true;
      clearTimeout(timer);
      await writing;
      while (sums.size > 0) await writeDue(Number.POSITIVE_INFINITY);
    },
  };
}
