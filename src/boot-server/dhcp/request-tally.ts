import { responsesTo } from "../../core/machine/life/boot.ts";
import type { Machine, MachineId } from "../../core/machine/record.ts";
import { asksAgain, countedMs, type PxeAsked } from "../../core/machine/requests.ts";
import type { Clock, Log, Store } from "../../core/ports.ts";

type Sum = { requests: number; responses: number; lastAtMs: number; readonly sinceMs: number };

/** Counts repeated PXE requests without news, so that a machine that asks a hundred times causes few writes. */
export type RequestTally = AsyncDisposable & {
  /** Returns false for a request to record at once, because it contains more than a repetition. */
  readonly counts: (machine: Machine, asked: PxeAsked) => boolean;
};

/**
 * Interval at which due sums are written, and their number per write: the remainder of a burst must not delay packets.
 */
const tickMs = 50;
const writtenAtOnce = 200;
/**
 * After each write it rests nine times as long, because counts can wait while the database is busy with new machines.
 */
const restTimes = 9;

/**
 * Opens a tally over a store. Its sums are written after `countedMs`, later while the database is busy; the last ones
 * when it is disposed.
 */
export function openRequestTally(deps: {
  readonly store: Pick<Store, "get" | "apply">;
  readonly clock: Clock;
  readonly log: Log;
}): RequestTally {
  const { store, clock, log } = deps;
  /** At most one for each machine; the first is due first. */
  const sums = new Map<MachineId, Sum>();
  let writing: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let restUntilMs = 0;
  let isOver = false;

  const write = async (id: MachineId, { requests, responses, lastAtMs }: Sum): Promise<number> => {
    // A record that was absorbed by another has no counts any more.
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
    if (lost > 0) log("error", "writing counts of PXE requests failed; they are lost", { requests: lost });
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
  /**
   * Schedules the first due sum. Not while others are being written: while a database is slow, requests wait here as a
   * sum.
   */
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
