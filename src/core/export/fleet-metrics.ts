import type { BurnInReport, BurnInResult } from "../hardware/hardware.ts";
import type { Deadlines } from "../machine/health/deadlines.ts";
import { isPastDeadline } from "../machine/health/stall-detection.ts";
import {
  type ConditionKind,
  conditionKinds,
  type Machine,
  type MachineState,
  machineStates,
  type Phase,
  phases,
} from "../machine/record.ts";
import { type AgeSketch, ageQuantile, newAgeSketch, noteAge } from "./age-sketch.ts";
import type { MetricFamily } from "./exposition.ts";

/** What a pass over the fleet has counted so far. */
export type FleetTally = {
  /** Each state's machines by phase; `none` before the first. */
  readonly phasesByState: { readonly [S in MachineState]: Map<Phase | "none", number> };
  readonly byCondition: Map<ConditionKind, number>;
  readonly agesByPhase: Map<Phase, AgeSketch>;
  /** Machines that are longer in a phase than they may be. */
  readonly latePhases: Map<Phase, number>;
  readonly byVerdict: { [V in BurnInReport["verdict"]]: number };
  /** Tests of the last burn-ins: how many passed and failed. */
  readonly byTest: { readonly [T in BurnInResult["test"]]: { passed: number; failed: number } };
};

/** A tally of nothing. Every state, verdict and test is there: a rule must not take a missing sample for trouble. */
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

/** Counts a machine as it stands at a time. */
export function tallyMachine(
  tally: FleetTally,
  machine: Machine,
  { nowMs, deadlineSeconds }: { readonly nowMs: number; readonly deadlineSeconds: Deadlines },
): void {
  const { state, phase, phaseAtMs, conditions, burnIn } = machine;
  add(tally.phasesByState[state], phase ?? "none");
  for (const { kind } of conditions) add(tally.byCondition, kind);
  if (phase !== undefined && phaseAtMs !== undefined) {
    const ages = tally.agesByPhase.get(phase) ?? newAgeSketch();
    if (ages.total === 0) tally.agesByPhase.set(phase, ages);
    noteAge(ages, nowMs - phaseAtMs);
    if (isPastDeadline(machine, nowMs, deadlineSeconds)) add(tally.latePhases, phase);
  }
  if (burnIn === undefined) return;
  tally.byVerdict[burnIn.verdict] += 1;
  for (const { test, ok } of burnIn.results) tally.byTest[test][ok ? "passed" : "failed"] += 1;
}

/** The figures of the whole fleet, counted anew from the records. */
export function fleetMetrics(tally: FleetTally): MetricFamily[] {
  return [
    {
      name: "birther_machines",
      help: "Machines by the state that is intended for them and the phase last seen.",
      kind: "gauge",
      samples: machineStates.flatMap((state) =>
        [...tally.phasesByState[state]].map(([phase, value]) => ({ labels: { state, phase }, value })),
      ),
    },
    {
      name: "birther_machines_with_condition",
      help: "Machines on which a condition stands.",
      kind: "gauge",
      samples: conditionKinds.map((kind) => ({
        labels: { condition: kind },
        value: tally.byCondition.get(kind) ?? 0,
      })),
    },
    {
      name: "birther_machines_above_deadline",
      help: "Machines that are longer in a phase than its deadline, without those on hold, retired or waiting; of phase up, whose sub is silent.",
      kind: "gauge",
      samples: [...tally.latePhases].map(([phase, value]) => ({ labels: { phase }, value })),
    },
    ...ageFamilies(tally.agesByPhase),
    {
      name: "birther_machines_by_burn_in",
      help: "Machines by the verdict of their last burn-in.",
      kind: "gauge",
      samples: Object.entries(tally.byVerdict).map(([verdict, value]) => ({ labels: { verdict }, value })),
    },
    {
      name: "birther_burn_in_tests",
      help: "Results of the machines' last burn-ins by test.",
      kind: "gauge",
      samples: Object.entries(tally.byTest).flatMap(([test, counts]) =>
        Object.entries(counts).map(([result, value]) => ({ labels: { test, result }, value })),
      ),
    },
  ];
}

/** For how long machines have been in their phase. Not a histogram: those count what happened, this is what is now. */
const ageFigures: readonly { readonly name: string; readonly share: number; readonly word: string }[] = [
  { name: "birther_phase_age_median_seconds", share: 0.5, word: "half of the machines have been at most so long in" },
  { name: "birther_phase_age_p95_seconds", share: 0.95, word: "95 % of the machines have been at most so long in" },
  { name: "birther_phase_age_max_seconds", share: 1, word: "the slowest machine has been so long in" },
];

function ageFamilies(agesByPhase: ReadonlyMap<Phase, AgeSketch>): MetricFamily[] {
  return ageFigures.map(({ name, share, word }) => ({
    name,
    help: `Of each phase: ${word} it.`,
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
