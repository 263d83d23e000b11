import { responsesTo } from "../../core/machine/life/boot.ts";
import type { Machine, MachineId } from "../../core/machine/record.ts";
import { asksAgain, countedMs, type PxeAsked } from "../../core/machine/requests.ts";
import type { Clock, Log, Store } from "../../core/ports.ts";

type Sum = { requests: number; responses: number; lastAtMs: number; readonly sinceMs: number };

/** Counts repeated PXE requests without news, so that a machine that asks a hundred times causes few writes. */
export type RequestTally = AsyncDisposable & {
  /** Returns false for a request to record at once, because it contains more than a repetition. */
  readonly counts: (machine: Machine, request: PxeAsked) => boolean;
  /** Counts a request whatever it contains. */
  readonly countOnly: (machine: Machine, request: PxeAsked) => void;
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

/** What a tally needs. */
type TallyDeps = { readonly store: Pick<Store, "get" | "apply">; readonly clock: Clock; readonly log: Log };

/**
 * Opens a tally over a store. Its sums are written after `countedMs`, later while the database is busy; the last ones
 * when it is disposed.
 */
export function openRequestTally(deps: TallyDeps): RequestTally {
  const sums = new Sums(deps);
  const writer = new SumWriter(sums, deps.clock);
  function countOnly(machine: Machine, request: PxeAsked): void {
    sums.add(machine.id, responsesTo(request));
    writer.plan();
  }
  return {
    countOnly,
    counts: (machine, request) => {
      if (!asksAgain(machine, request, deps.clock.nowMs())) return false;
      countOnly(machine, request);
      return true;
    },
    [Symbol.asyncDispose]: () => writer.end(),
  };
}

/** The sums that are not written yet, at most one for each machine; the first is due first. */
class Sums {
  readonly #deps: TallyDeps;
  readonly #sums = new Map<MachineId, Sum>();

  constructor(deps: TallyDeps) {
    this.#deps = deps;
  }

  /** When the first sum was begun, on the monotonic clock; undefined if there is none. */
  get firstSinceMs(): number | undefined {
    const [first] = this.#sums.values();
    return first?.sinceMs;
  }

  add(id: MachineId, responses: number): void {
    const { clock } = this.#deps;
    const lastAtMs = clock.nowMs();
    let sum = this.#sums.get(id);
    if (sum === undefined) {
      sum = { requests: 0, responses: 0, lastAtMs, sinceMs: clock.monotonicMs() };
      this.#sums.set(id, sum);
    }
    sum.requests += 1;
    sum.responses += responses;
    sum.lastAtMs = lastAtMs;
  }

  /** Writes the sums begun by then, a limited number at once. */
  async writeDue(dueMs: number): Promise<void> {
    const due: Promise<number>[] = [];
    for (const [id, sum] of this.#sums) {
      if (sum.sinceMs > dueMs || due.length === writtenAtOnce) break;
      this.#sums.delete(id);
      due.push(this.#write(id, sum));
    }
    const lost = (await Promise.all(due)).reduce((whole, one) => whole + one, 0);
    if (lost > 0) this.#deps.log("error", "writing counts of PXE requests failed; they are lost", { requests: lost });
  }

  /** Resolves to the number of requests that are lost. */
  async #write(id: MachineId, { requests, responses, lastAtMs }: Sum): Promise<number> {
    const { store } = this.#deps;
    // A record that was absorbed by another has no counts any more.
    if (store.get(id) === undefined) return 0;
    try {
      await store.apply({ kind: "pxeAskedAgain", id, requests, responses, lastAtMs });
      return 0;
    } catch {
      return requests;
    }
  }
}

/** Writes sums when they are due: one write at a time, with rests while the database is slow. */
class SumWriter {
  readonly #sums: Sums;
  readonly #clock: Clock;
  #writing: Promise<void> | undefined;
  #stopTimer: (() => void) | undefined;
  #restUntilMs = 0;
  #isEnded = false;

  constructor(sums: Sums, clock: Clock) {
    this.#sums = sums;
    this.#clock = clock;
  }

  /**
   * Schedules the first due sum. Not while others are being written: while a database is slow, requests wait here as a
   * sum.
   */
  plan(): void {
    if (this.#stopTimer !== undefined || this.#writing !== undefined || this.#isEnded) return;
    const sinceMs = this.#sums.firstSinceMs;
    if (sinceMs === undefined) return;
    const dueMs = Math.max(sinceMs + countedMs, this.#restUntilMs);
    this.#stopTimer = this.#startTimer(Math.max(tickMs, dueMs - this.#clock.monotonicMs()), () => this.#tick());
  }

  /** Writes all sums. */
  async end(): Promise<void> {
    this.#isEnded = true;
    this.#stopTimer?.();
    await this.#writing;
    while (this.#sums.firstSinceMs !== undefined) await this.#sums.writeDue(Number.POSITIVE_INFINITY);
  }

  #startTimer(afterMs: number, act: () => void): () => void {
    if (this.#clock.startTimer !== undefined) return this.#clock.startTimer(afterMs, act);
    const timer = setTimeout(act, afterMs).unref();
    return () => clearTimeout(timer);
  }

  #tick(): void {
    this.#stopTimer = undefined;
    const beganMs = this.#clock.monotonicMs();
    this.#writing = this.#sums.writeDue(beganMs - countedMs).finally(() => {
      this.#writing = undefined;
      const endedMs = this.#clock.monotonicMs();
      this.#restUntilMs = endedMs + restTimes * (endedMs - beganMs);
      this.plan();
    });
  }
}
