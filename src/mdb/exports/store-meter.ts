import { type Histogram, type MetricFamily, newHistogram, observe } from "../../core/export/exposition.ts";
import type { Clock, Store } from "../../core/ports.ts";

/** Buckets from a write on an idle disk to one that is far too slow, in seconds. */
const writeBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

/** Metrics of writing to the MDB: duration and results. */
export type StoreMeter = {
  readonly families: () => MetricFamily[];
  /** When the oldest non-durable change was requested, on the monotonic clock; undefined if there is none. */
  readonly waitingSinceMs: () => number | undefined;
  /** The error of the last write if it failed; undefined after a success. */
  readonly lastFailure: () => string | undefined;
};

/** The store with every `apply` timed, from the request until the change is durable. */
export function meterStore<S extends Store>(store: S, clock: Clock): { readonly store: S; readonly meter: StoreMeter } {
  const seconds: Histogram = newHistogram(writeBounds);
  const refusals = new Map<string, number>();
  /** Request times, oldest first. Bounded like the store's own queue: each entry is one waiting `apply`. */
  const waiting = new Map<symbol, number>();
  let failures = 0;
  let lastFailure: string | undefined;

  const apply: Store["apply"] = async (...request) => {
    const startedMs = clock.monotonicMs();
    const key = Symbol();
    waiting.set(key, startedMs);
    try {
      const decision = await store.apply(...request);
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
    families: () => writeFamilies({ seconds, refusals, waiting: waiting.size, failures }),
  };
  return { store: { ...store, apply }, meter };
}

function writeFamilies(figures: {
  readonly seconds: Histogram;
  readonly refusals: ReadonlyMap<string, number>;
  readonly waiting: number;
  readonly failures: number;
}): MetricFamily[] {
  return [
    {
      name: "birther_mdb_write_seconds",
      help: "Seconds from requesting a change until it is durable.",
      kind: "histogram",
      histogram: figures.seconds,
    },
    {
      name: "birther_mdb_writes_waiting",
      help: "Requested changes that are not durable yet.",
      kind: "gauge",
      samples: [{ value: figures.waiting }],
    },
    {
      name: "birther_mdb_write_failures_total",
      help: "Changes lost because the database failed.",
      kind: "counter",
      samples: [{ value: figures.failures }],
    },
    {
      name: "birther_mdb_refusals_total",
      help: "Events refused by a machine's life cycle, by reason.",
      kind: "counter",
      samples: [...figures.refusals].map(([reason, value]) => ({ labels: { reason }, value })),
    },
  ];
}
