import { type AgeSketch, ageQuantile, newAgeSketch, noteAge } from "../fleet/age-sketch.ts";
import type { BurnInReport, BurnInResult } from "../hardware/hardware.ts";
import { type DeadlineRules, isPastDeadline } from "../machine/health/stall-detection.ts";
import {
  type ConditionKind,
  conditionKinds,
  type Machine,
  type MachineState,
  machineStates,
  type Phase,
  phases,
} from "../machine/record.ts";
import type { MetricFamily } from "./exposition.ts";

/** The counts of a pass over the fleet. */
export type FleetTally = {
  /** The machines of each state by phase; `none` before the first phase. */
  readonly phasesByState: { readonly [S in MachineState]: Map<Phase | "none", number> };
  readonly byCondition: Map<ConditionKind, number>;
  readonly agesByPhase: Map<Phase, AgeSketch>;
  /** Machines past the deadline of their phase. */
  readonly latePhases: Map<Phase, number>;
  readonly byVerdict: { [V in BurnInReport["verdict"]]: number };
  /** Tests of the latest burn-ins: numbers of passed and failed ones. */
  readonly byTest: { readonly [T in BurnInResult["test"]]: { passed: number; failed: number } };
};

/**
 * An empty tally with all states, verdicts and tests, so that an alert rule does not mistake a missing sample for a
 * problem.
 */
export function newTally(): FleetTally {
  const none = () => new Map<Phase | "none", number>([["none", 0]]);
  const test = () => ({ passed: 0, failed: 0 });
  return {
    phasesByState: { unknown: none(), birth: none(), healthy: none(), rebirth: none(), clean: none() },
    byCondition: new Map(),
    agesByPhase: new Map(),
    latePhases: new Map(phases.map((phase) => [phase, 0])),
    byVerdict: { passed: 0, failed: 0, skipped: 0 },
    byTest: { cpu: test(), memory: test(), disk: test(), diskRead: test(), network: test() },
  };
}

/** Counts a machine at a given time. */
export function tallyMachine(
  tally: FleetTally,
  machine: Machine,
  { nowMs, ...rules }: { readonly nowMs: number } & DeadlineRules,
): void {
  const { state, phase, phaseAtMs, conditions, burnIn } = machine;
  add(tally.phasesByState[state], phase ?? "none");
  for (const { kind } of conditions) add(tally.byCondition, kind);
  if (phase !== undefined && phaseAtMs !== undefined) {
    const ages = tally.agesByPhase.get(phase) ?? newAgeSketch();
    if (ages.total === 0) tally.agesByPhase.set(phase, ages);
    noteAge(ages, nowMs - phaseAtMs);
    if (isPastDeadline(machine, nowMs, rules)) add(tally.latePhases, phase);
  }
  if (burnIn === undefined) return;
  tally.byVerdict[burnIn.verdict] += 1;
  for (const { test, ok } of burnIn.results) tally.byTest[test][ok ? "passed" : "failed"] += 1;
}

/** The metrics of the whole fleet, counted from the records. */
export function fleetMetrics(tally: FleetTally): MetricFamily[] {
  return [
    {
      name: "birther_machines",
      help: "Machines by intended state and last observed phase.",
      kind: "gauge",
      samples: machineStates.flatMap((state) =>
        [...tally.phasesByState[state]].map(([phase, value]) => ({ labels: { state, phase }, value })),
      ),
    },
    {
      name: "birther_machines_with_condition",
      help: "Machines by condition.",
      kind: "gauge",
      samples: conditionKinds.map((kind) => ({
        labels: { condition: kind },
        value: tally.byCondition.get(kind) ?? 0,
      })),
    },
    {
      name: "birther_machines_above_deadline",
      help: "Machines past the deadline of their phase (in phase up: with a silent agent), except those on hold, in maintenance, retired or waiting.",
      kind: "gauge",
      samples: [...tally.latePhases].map(([phase, value]) => ({ labels: { phase }, value })),
    },
    ...ageFamilies(tally.agesByPhase),
    {
      name: "birther_machines_by_burn_in",
      help: "Machines by the verdict of their latest burn-in.",
      kind: "gauge",
      samples: Object.entries(tally.byVerdict).map(([verdict, value]) => ({ labels: { verdict }, value })),
    },
    {
      name: "birther_burn_in_tests",
      help: "Results of the latest burn-ins by test.",
      kind: "gauge",
      samples: Object.entries(tally.byTest).flatMap(([test, counts]) =>
        Object.entries(counts).map(([result, value]) => ({ labels: { test, result }, value })),
      ),
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

function add<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
