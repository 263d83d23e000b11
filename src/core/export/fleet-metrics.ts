import type { BurnInResult } from "../machine/hardware.ts";
import {
  type ConditionKind,
  conditionKinds,
  type Machine,
  machineStates,
  type Phase,
  phases,
} from "../machine/record.ts";
import type { MetricFamily, Sample } from "./exposition.ts";

/** What one pass over the fleet counts. */
type Tally = {
  readonly byStateAndPhase: Map<string, number>;
  readonly byCondition: Map<ConditionKind, number>;
  readonly agesByPhase: Map<Phase, number[]>;
  readonly byVerdict: Map<string, number>;
  readonly byBurnInTest: Map<string, number>;
};

/** The figures of the whole fleet, computed anew from the records: linear in the number of machines. */
export function fleetMetrics(machines: readonly Machine[], nowMs: number): MetricFamily[] {
  const tally = tallyFleet(machines, nowMs);
  return [
    {
      name: "birther_machines",
      help: "Machines by the state that is intended for them and the phase last seen.",
      kind: "gauge",
      samples: labelled(tally.byStateAndPhase, ["state", "phase"]),
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
    ...ageFamilies(tally.agesByPhase),
    {
      name: "birther_machines_by_burn_in",
      help: "Machines by the verdict of their last burn-in.",
      kind: "gauge",
      samples: labelled(tally.byVerdict, ["verdict"]),
    },
    {
      name: "birther_burn_in_tests",
      help: "Results of the machines' last burn-ins by test.",
      kind: "gauge",
      samples: labelled(tally.byBurnInTest, ["test", "result"]),
    },
  ];
}

function tallyFleet(machines: readonly Machine[], nowMs: number): Tally {
  const tally: Tally = {
    // Every state has a sample: a rule must not take a missing one for trouble.
    byStateAndPhase: new Map(machineStates.map((state) => [`${state} none`, 0])),
    byCondition: new Map(),
    agesByPhase: new Map(),
    byVerdict: new Map(),
    byBurnInTest: new Map(),
  };
  for (const { state, phase, phaseAtMs, conditions, burnIn } of machines) {
    add(tally.byStateAndPhase, `${state} ${phase ?? "none"}`);
    for (const { kind } of conditions) add(tally.byCondition, kind);
    if (phase !== undefined && phaseAtMs !== undefined) {
      const ages = tally.agesByPhase.get(phase);
      const age = Math.max(0, nowMs - phaseAtMs);
      if (ages === undefined) tally.agesByPhase.set(phase, [age]);
      else ages.push(age);
    }
    if (burnIn !== undefined) {
      add(tally.byVerdict, burnIn.verdict);
      for (const result of burnIn.results) add(tally.byBurnInTest, `${result.test} ${resultOf(result)}`);
    }
  }
  return tally;
}

function resultOf({ ok }: BurnInResult): string {
  return ok ? "passed" : "failed";
}

/** For how long machines have been in their phase. Not a histogram: those count what happened, this is what is now. */
const ageFigures: readonly { readonly name: string; readonly share: number; readonly word: string }[] = [
  { name: "birther_phase_age_median_seconds", share: 0.5, word: "half of the machines have been at most so long in" },
  { name: "birther_phase_age_p95_seconds", share: 0.95, word: "95 % of the machines have been at most so long in" },
  { name: "birther_phase_age_max_seconds", share: 1, word: "the slowest machine has been so long in" },
];

function ageFamilies(agesByPhase: ReadonlyMap<Phase, number[]>): MetricFamily[] {
  const sorted = phases.flatMap((phase) => {
    const ages = agesByPhase.get(phase);
    return ages === undefined ? [] : [{ phase, ages: Float64Array.from(ages).sort() }];
  });
  return ageFigures.map(({ name, share, word }) => ({
    name,
    help: `Of each phase: ${word} it.`,
    kind: "gauge",
    samples: sorted.map(({ phase, ages }) => {
      const place = Math.max(0, Math.ceil(share * ages.length) - 1);
      return { labels: { phase }, value: (ages[place] ?? 0) / 1000 };
    }),
  }));
}

/** Counts whose key is the values of the labels, separated by spaces, as samples. */
function labelled(counts: ReadonlyMap<string, number>, labels: readonly string[]): Sample[] {
  return [...counts].map(([key, value]) => {
    const values = key.split(" ");
    return { labels: Object.fromEntries(labels.map((label, index) => [label, values[index] ?? ""])), value };
  });
}

function add<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
