import { type Histogram, type MetricFamily, newHistogram, observe } from "../../core/export/exposition.ts";
import type { Clock, Store } from "../../core/ports.ts";

/** From a write that finds the disk idle to one that nobody should wait for, in seconds. */
const writeBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

/** What writing to the MDB costs, and how it goes. */
export type StoreMeter = {
  readonly families: () => MetricFamily[];
  /** Since when the oldest change that is not durable yet has waited, on the monotonic clock; undefined if none waits. */
  readonly waitingSinceMs: () => number | undefined;
  /** Why the last write failed; undefined once one succeeded after it. */
  readonly lastFailure: () => string | undefined;
};

/** The store, with every `apply` timed: from being asked until it is durable. */
export function meterStore<S extends Store>(store: S, clock: Clock): { readonly store: S; readonly meter: StoreMeter } {
  const seconds: Histogram = newHistogram(writeBounds);
  const refusals = new Map<string, number>();
  /** When each was asked for, oldest first. Bounded as the store's own queue is: each is one waiting `apply`. */
  const waiting = new Map<symbol, number>();
  let failures = 0;
  let lastFailure: string | undefined;

  const apply: Store["apply"] = async (...asked) => {
    const startedMs = clock.monotonicMs();
    const key = Symbol();
    waiting.set(key, startedMs);
    try {
      const decision = await store.apply(...asked);
      if (decision.kind === "refused") {
        const { kind } = decision.refusal;
        refusals.set(kind, (refusals.get(kind) ?? 0) + 1);
      } else {
        lastFailure = undefined;
        observe(seconds, (clock.monotonicMs() - startedMs) / 1000);
      }
      return decision;
    } catch (cause) {
      failures += 1;
      lastFailure = cause instanceof Error ? cause.message : String(cause);
      throw cause;
    } finally {
      waiting.delete(key);
    }
  };
  const meter: StoreMeter = {
    waitingSinceMs: () => waiting.values().next().value,
    lastFailure: () => lastFailure,
    families: () => [
      {
        name: "birther_mdb_write_seconds",
        help: "From a change being asked for until it is durable.",
        kind: "histogram",
        histogram: seconds,
      },
      {
        name: "birther_mdb_writes_waiting",
        help: "Changes that were asked for and are not durable yet.",
        kind: "gauge",
        samples: [{ value: waiting.size }],
      },
      {
        name: "birther_mdb_write_failures_total",
        help: "Changes that were lost because the database failed.",
        kind: "counter",
        samples: [{ value: failures }],
      },
      {
        name: "birther_mdb_refusals_total",
        help: "Events that the life of a machine does not allow, by reason.",
        kind: "counter",
        samples: [...refusals].map(([reason, value]) => ({ labels: { reason }, value })),
      },
    ],
  };
  return { store: { ...store, apply }, meter };
}
