import { type AgeSketch, ageQuantile } from "../fleet/age-sketch.ts";
import { statuses } from "../fleet/machine-status.ts";
import type { RecordCounts } from "../fleet/record-counts.ts";
import type { FleetSummary, Summarised } from "../fleet/summary.ts";
import { conditionKinds } from "../machine/condition.ts";
import { type Phase, phases } from "../machine/phase.ts";
import { machineStates } from "../machine/state.ts";
import type { MetricFamily } from "./exposition.ts";

/** The metrics of the whole fleet: the summary that `birther status` shows, and what the records were counted by. */
export function fleetMetrics({ summary, causes }: Summarised, counts: RecordCounts): MetricFamily[] {
  return [
    {
      name: "birther_machines_by_status",
      help: "Machines by how they stand, each once, as in birther status.",
      kind: "gauge",
      samples: statuses.map((status) => ({ labels: { status }, value: summary.statuses[status] })),
    },
    {
      name: "birther_failure_causes",
      help: "Causes of failures: reasons that differ only in numbers and names are one.",
      kind: "gauge",
      samples: [{ value: causes.length }],
    },
    ...siteFamilies(summary),
    {
      name: "birther_machines",
      help: "Machines by intended state and last observed phase.",
      kind: "gauge",
      samples: machineStates.flatMap((state) =>
        [...counts.phasesByState[state]].map(([phase, value]) => ({ labels: { state, phase }, value })),
      ),
    },
    {
      name: "birther_machines_with_condition",
      help: "Machines by condition.",
      kind: "gauge",
      samples: conditionKinds.map((kind) => ({
        labels: { condition: kind },
        value: summary.conditions[kind] ?? 0,
      })),
    },
    {
      name: "birther_machines_above_deadline",
      help: "Machines past the deadline of their phase (in phase up: with a silent agent), except those on hold, in maintenance, retired or waiting.",
      kind: "gauge",
      samples: [...counts.latePhases].map(([phase, value]) => ({ labels: { phase }, value })),
    },
    ...ageFamilies(counts.agesByPhase),
    {
      name: "birther_machines_by_burn_in",
      help: "Machines by the verdict of their latest burn-in.",
      kind: "gauge",
      samples: Object.entries(counts.byVerdict).map(([verdict, value]) => ({ labels: { verdict }, value })),
    },
    {
      name: "birther_burn_in_tests",
      help: "Results of the latest burn-ins by test.",
      kind: "gauge",
      samples: Object.entries(counts.byTest).flatMap(([test, results]) =>
        Object.entries(results).map(([result, value]) => ({ labels: { test, result }, value })),
      ),
    },
  ];
}

/** What is expected and not there yet, and when it will be. */
function siteFamilies({ racks, unplaced, births, arrival }: FleetSummary): MetricFamily[] {
  const slots = (of: "expected" | "unheard") => racks.reduce((sum, rack) => sum + (rack[of] ?? 0), 0);
  const quantiles =
    arrival.kind === "estimate"
      ? ([
          ["0.5", arrival.p50AtMs],
          ["0.9", arrival.p90AtMs],
        ] as const)
      : [];
  return [
    {
      name: "birther_machines_without_place",
      help: "Machines that have not told their place yet.",
      kind: "gauge",
      samples: [{ value: unplaced }],
    },
    {
      name: "birther_expected_slots",
      help: "Slots of the site plan, by whether they were ever heard from.",
      kind: "gauge",
      samples: [
        { labels: { heard: "yes" }, value: slots("expected") - slots("unheard") },
        { labels: { heard: "no" }, value: slots("unheard") },
      ],
    },
    {
      name: "birther_births_per_minute",
      help: "Births that ended in the last minutes, per minute.",
      kind: "gauge",
      samples: [{ value: births.perMinute }],
    },
    {
      name: "birther_arrival_timestamp_seconds",
      help: "When all machines on their way are up, with this probability, in seconds since 1970; absent without an estimate.",
      kind: "gauge",
      samples: quantiles.map(([quantile, atMs]) => ({ labels: { quantile }, value: Math.round(atMs / 1000) })),
    },
  ];
}

/** The time that machines have spent in their current phase. Not a histogram, which counts past observations. */
const ageFigures: readonly { readonly name: string; readonly share: number; readonly text: string }[] = [
  {
    name: "birther_phase_age_median_seconds",
    share: 0.5,
    text: "half of the machines have been in the phase for at most this time",
  },
  {
    name: "birther_phase_age_p95_seconds",
    share: 0.95,
    text: "95 % of the machines have been in the phase for at most this time",
  },
  { name: "birther_phase_age_max_seconds", share: 1, text: "the slowest machine has been in the phase for this time" },
];

function ageFamilies(agesByPhase: ReadonlyMap<Phase, AgeSketch>): MetricFamily[] {
  return ageFigures.map(({ name, share, text }) => ({
    name,
    help: `For each phase: ${text}.`,
    kind: "gauge",
    samples: phases.flatMap((phase) => {
      const ages = agesByPhase.get(phase);
      return ages === undefined ? [] : [{ labels: { phase }, value: Math.round(ageQuantile(ages, share)) / 1000 }];
    }),
  }));
}
