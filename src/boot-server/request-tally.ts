import type { MachineEvent } from "../core/machine/event.ts";
import { responsesTo } from "../core/machine/life-boot.ts";
import type { Machine, MachineId } from "../core/machine/record.ts";
import { asksAgain, countedMs } from "../core/machine/requests.ts";
import type { Clock, Log, Store } from "../core/ports.ts";

type PxeAsked = Extract<MachineEvent, { kind: "pxeAsked" }>;
type Sum = { requests: number; responses: number; lastAtMs: number; readonly sinceMs: number };

/** Counts PXE requests that tell nothing new, so that a machine that asks a hundred times is not written down as often. */
export type RequestTally = AsyncDisposable & {
  /** False for one that is to be written down at once: it tells more than that the machine asked again. */
  readonly counts: (machine: Machine, asked: PxeAsked) => boolean;
};

/** How often it is looked whose sum is due. */
const tickMs = 500;
/** Sums written at once: what a burst leaves behind must not hold up what is newer. */
const writtenAtOnce = 2000;

/** Opens a tally over a store. Its sums are written after `countedMs`, and the last ones when it is disposed of. */
export function openRequestTally(deps: {
  readonly store: Pick<Store, "get" | "apply">;
  readonly clock: Clock;
  readonly log: Log;
}): RequestTally {
  const { store, clock, log } = deps;
  /** At most one for each machine, the one that is due first at the head. */
  const sums = new Map<MachineId, Sum>();
  let writing: Promise<void> | undefined;

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
  // Not while the last ones are being written: what waits for a slow database waits here, as a sum.
  const timer = setInterval(() => {
    writing ??= writeDue(clock.monotonicMs() - countedMs).finally(() => {
      writing = undefined;
    });
  }, tickMs).unref();

  return {
    counts: (machine, asked) => {
      const nowMs = clock.nowMs();
      if (!asksAgain(machine, asked, nowMs)) return false;
      const before = sums.get(machine.id);
      const sum = before ?? { requests: 0, responses: 0, lastAtMs: nowMs, sinceMs: clock.monotonicMs() };
      if (before === undefined) sums.set(machine.id, sum);
      sum.requests += 1;
      sum.responses += responsesTo(asked);
      sum.lastAtMs = nowMs;
      return true;
    },
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await writing;
      while (sums.size > 0) await writeDue(Number.POSITIVE_INFINITY);
    },
  };
}
