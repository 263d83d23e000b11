import type { ReadyAnswer } from "../../contract/operator/export-shapes.ts";
import type { NetworkView } from "../../contract/operator/views.ts";
import type { TrafficView } from "../../contract/traffic.ts";
import { type MetricFamily, writeExposition } from "../../core/export/exposition.ts";
import { fleetMetrics } from "../../core/export/fleet-metrics.ts";
import { RecordTally } from "../../core/fleet/record-counts.ts";
import { summariseInSteps } from "../../core/fleet/summary.ts";
import type { DeadlineRules } from "../../core/machine/health/stall-detection.ts";
import type { Clock, Store } from "../../core/ports.ts";
import { expectedSlots, type PlannedSlot } from "../../core/site/site-plan.ts";
import { inTurns } from "../turns.ts";
import { bootMetrics } from "./boot-metrics.ts";
import { changeMetrics } from "./change-metrics.ts";
import type { DominatorFile } from "./dominator-file.ts";
import type { DominatorMdb } from "./dominator-mdb.ts";
import { processMetrics } from "./process-metrics.ts";
import { type ReadyCheck, readinessOf } from "./readiness.ts";
import type { StoreMeter } from "./store-meter.ts";

/** The exports of fleet and server for other tools. */
export type Exports = Disposable & {
  /** The Dominator's MDB as JSON, in parts. */
  readonly dominatorMdb: () => Iterable<string>;
  /** Prometheus' text format. */
  readonly metrics: () => Promise<string>;
  readonly readiness: () => Promise<ReadyAnswer>;
};

/** Opens the exports of a store, until disposed. */
export function openExports(
  deps: {
    readonly store: Store;
    readonly clock: Clock;
    readonly version: string;
    readonly dominator: { readonly mdb: DominatorMdb; readonly file?: DominatorFile };
    readonly boot: { readonly networks: () => readonly NetworkView[]; readonly traffic: () => TrafficView };
    readonly meter: StoreMeter;
    readonly checks: readonly ReadyCheck[];
    /** The slots that the configuration expects. */
    readonly plan?: readonly PlannedSlot[];
  } & DeadlineRules,
): Exports {
  const { store, clock, version, dominator, boot, meter, checks, deadlineSeconds, othersUpdate = false } = deps;
  const expected = expectedSlots(deps.plan ?? []);
  using opened = new DisposableStack();
  const changes = opened.use(changeMetrics(store));
  const own = opened.use(processMetrics());
  const running = opened.move();
  let asking: Promise<ReadyAnswer> | undefined;
  const build: MetricFamily = {
    name: "birther_build_info",
    help: "The running version.",
    kind: "gauge",
    samples: [{ labels: { version }, value: 1 }],
  };
  return {
    dominatorMdb: dominator.mdb.text,
    metrics: async () => {
      const records = new RecordTally({ deadlineSeconds, othersUpdate });
      const rules = { nowMs: clock.nowMs(), othersUpdate, expected, records };
      const summarised = await inTurns(summariseInSteps([...store.list()], rules));
      return writeExposition([
        build,
        ...fleetMetrics(summarised, records.counts()),
        ...changes.families(),
        ...bootMetrics(boot.networks(), boot.traffic()),
        ...meter.families(),
        ...(dominator.file === undefined ? [] : fileFamilies(dominator.file.figures())),
        ...own.families(),
      ]);
    },
    // Unauthenticated, so concurrent requests share one answer.
    readiness: () => {
      asking ??= readinessOf(checks).finally(() => {
        asking = undefined;
      });
      return asking;
    },
    [Symbol.dispose]: () => running.dispose(),
  };
}

/** The state of the Dominator's file. */
export function fileFamilies(figures: ReturnType<DominatorFile["figures"]>): MetricFamily[] {
  const { writes, failures, lastWriteAtMs } = figures;
  return [
    {
      name: "birther_dominator_file_writes_total",
      help: "Writes of the Dominator's MDB file, by result.",
      kind: "counter",
      samples: [
        { labels: { result: "done" }, value: writes },
        { labels: { result: "failed" }, value: failures },
      ],
    },
    {
      name: "birther_dominator_file_written_timestamp_seconds",
      help: "Time of the last write of the Dominator's MDB file, in seconds since 1970.",
      kind: "gauge",
      samples: lastWriteAtMs === undefined ? [] : [{ value: lastWriteAtMs / 1000 }],
    },
  ];
}
