import type { ReadyAnswer } from "../../contract/operator/export-shapes.ts";
import type { NetworkView } from "../../contract/operator/views.ts";
import type { TrafficView } from "../../contract/traffic.ts";
import { type MetricFamily, writeExposition } from "../../core/export/exposition.ts";
import { fleetMetrics, newTally, tallyMachine } from "../../core/export/fleet-metrics.ts";
import type { DeadlineRules } from "../../core/machine/health/stall-detection.ts";
import type { Clock, Store } from "../../core/ports.ts";
import { forEachInTurns } from "../turns.ts";
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
  } & DeadlineRules,
): Exports {
  const { store, clock, version, dominator, boot, meter, checks, deadlineSeconds, othersUpdate = false } = deps;
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
      const tally = newTally();
      const now = { nowMs: clock.nowMs(), deadlineSeconds, othersUpdate };
      await forEachInTurns([...store.list()], (machine) => tallyMachine(tally, machine, now));
      return writeExposition([
        build,
        ...fleetMetrics(tally),
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
