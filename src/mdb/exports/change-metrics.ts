import { type MetricFamily, newHistogram, observe } from "../../core/export/exposition.ts";
import type { Store } from "../../core/ports.ts";

/** Buckets from a birth with the fastest image to one that waited for a person, in seconds. */
const birthBounds = [60, 120, 180, 300, 600, 900, 1800, 3600, 7200, 14_400, 86_400];

/** Metrics of changes in the fleet since the start of this process, counted from the store's changes. */
export function changeMetrics(store: Store): Disposable & { readonly families: () => MetricFamily[] } {
  const events = new Map<string, number>();
  const births = newHistogram(birthBounds);
  const end = store.watch(({ machine, event, atMs }) => {
    events.set(event.kind, (events.get(event.kind) ?? 0) + 1);
    if (event.kind !== "becameHealthy") return;
    const [first] = machine.timeline;
    if (first !== undefined) observe(births, Math.max(0, atMs - first.atMs) / 1000);
  });
  return {
    families: () => [
      {
        name: "birther_changes_total",
        help: "Durable changes of machines, by event.",
        kind: "counter",
        samples: [...events].map(([event, value]) => ({ labels: { event }, value })),
      },
      {
        name: "birther_mdb_position",
        help: "The number of the last change; equal on all servers of a database that are up to date.",
        kind: "gauge",
        samples: [{ value: store.position() }],
      },
      {
        name: "birther_mdb_unreadable_records",
        help: "Machines whose record cannot be read: they keep their system and their address, and nothing is done to them.",
        kind: "gauge",
        samples: [{ value: store.unreadable().length }],
      },
      {
        name: "birther_mdb_leads",
        help: "1 on the lead: the one server of a database that sends webhooks and applies policies.",
        kind: "gauge",
        samples: [{ value: store.leads() ? 1 : 0 }],
      },
      {
        name: "birther_birth_seconds",
        help: "Seconds from a machine's first PXE request of a birth, rebirth or clean until it was healthy.",
        kind: "histogram",
        histogram: births,
      },
    ],
    [Symbol.dispose]: end,
  };
}
