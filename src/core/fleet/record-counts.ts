import type { BurnInReport, BurnInResult } from "../hardware/hardware.ts";
import { type DeadlineRules, isPastDeadline } from "../machine/health/stall-detection.ts";
import { type Phase, phases } from "../machine/phase.ts";
import type { Machine } from "../machine/record.ts";
import type { MachineState } from "../machine/state.ts";
import { type AgeSketch, newAgeSketch, noteAge } from "./age-sketch.ts";

/** What a pass over the records counts beside the summary, for metrics. */
export type RecordCounts = {
  /** The machines of each state by phase; `none` before the first phase. */
  readonly phasesByState: { readonly [S in MachineState]: ReadonlyMap<Phase | "none", number> };
  /** The time of all machines in their phase, not only of those on their way. */
  readonly agesByPhase: ReadonlyMap<Phase, AgeSketch>;
  /** Machines past the deadline of their phase. */
  readonly latePhases: ReadonlyMap<Phase, number>;
  readonly byVerdict: { readonly [V in BurnInReport["verdict"]]: number };
  /** Tests of the latest burn-ins: numbers of passed and failed ones. */
  readonly byTest: { readonly [T in BurnInResult["test"]]: { readonly passed: number; readonly failed: number } };
};

/** Counts records; all states, verdicts and tests are there, because alert rules mistake a missing sample for a problem. */
export class RecordTally {
  readonly #phasesByState: { readonly [S in MachineState]: Map<Phase | "none", number> };
  readonly #agesByPhase = new Map<Phase, AgeSketch>();
  readonly #latePhases = new Map<Phase, number>(phases.map((phase) => [phase, 0]));
  readonly #byVerdict: { [V in BurnInReport["verdict"]]: number } = { passed: 0, failed: 0, skipped: 0 };
  readonly #byTest: { readonly [T in BurnInResult["test"]]: { passed: number; failed: number } };
  readonly #rules: DeadlineRules;

  constructor(rules: DeadlineRules) {
    this.#rules = rules;
    const none = () => new Map<Phase | "none", number>([["none", 0]]);
    this.#phasesByState = { unknown: none(), birth: none(), healthy: none(), rebirth: none(), clean: none() };
    const test = () => ({ passed: 0, failed: 0 });
    this.#byTest = { cpu: test(), memory: test(), disk: test(), diskRead: test(), network: test() };
  }

  add(machine: Machine, nowMs: number): void {
    const { state, phase, phaseAtMs, burnIn } = machine;
    count(this.#phasesByState[state], phase ?? "none");
    if (phase !== undefined && phaseAtMs !== undefined) {
      const ages = this.#agesByPhase.get(phase) ?? newAgeSketch();
      if (ages.total === 0) this.#agesByPhase.set(phase, ages);
      noteAge(ages, nowMs - phaseAtMs);
      if (isPastDeadline(machine, nowMs, this.#rules)) count(this.#latePhases, phase);
    }
    if (burnIn === undefined) return;
    this.#byVerdict[burnIn.verdict] += 1;
    for (const { test, ok } of burnIn.results) this.#byTest[test][ok ? "passed" : "failed"] += 1;
  }

  counts(): RecordCounts {
    return {
      ...{ phasesByState: this.#phasesByState, agesByPhase: this.#agesByPhase, latePhases: this.#latePhases },
      ...{ byVerdict: this.#byVerdict, byTest: this.#byTest },
    };
  }
}

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
