import { type Phase, phases } from "../../core/machine/phase.ts";
import type { MachineId } from "../../core/machine/record.ts";
import { type Percentiles, percentilesOf } from "./measures.ts";

/** When machines reached which phase for the first time. */
export type Timeline = {
  /** When a machine had power for the first time: its first phase is counted from there. */
  readonly powered: (id: MachineId, atMs: number) => void;
  readonly reached: (id: MachineId, phase: Phase, atMs: number) => void;
  /** How many machines had reached a phase at each of these times. */
  readonly countsAt: (phase: Phase, timesMs: readonly number[]) => readonly number[];
  /** Time from the phase before that a machine reached to this one. */
  readonly durations: () => readonly (readonly [phase: Phase, Percentiles])[];
  /** The same of one machine. */
  readonly stepsOf: (id: string) => ReadonlyMap<Phase, number>;
};

/** Nothing was reached yet. */
export function openTimeline(): Timeline {
  const poweredAtMs = new Map<string, number>();
  const first = new Map<MachineId, Partial<Record<Phase, number>>>();
  const sorted = (phase: Phase) =>
    [...first.values()].flatMap((seen) => seen[phase] ?? []).sort((one, other) => one - other);
  return {
    powered: (id, atMs) => void poweredAtMs.set(id, atMs),
    reached: (id, phase, atMs) => {
      const seen = first.get(id);
      if (seen === undefined) first.set(id, { [phase]: atMs });
      else seen[phase] ??= atMs;
    },
    countsAt: (phase, timesMs) => {
      const at = sorted(phase);
      let done = 0;
      return timesMs.map((time) => {
        while (done < at.length && (at[done] as number) <= time) done += 1;
        return done;
      });
    },
    durations: () => {
      const all = [...first].map(([id, seen]) => stepsIn(seen, poweredAtMs.get(id)));
      return phases.flatMap((phase) => {
        const took = all.flatMap((steps) => steps.get(phase) ?? []);
        return took.length === 0 ? [] : [[phase, percentilesOf(took)] as const];
      });
    },
    stepsOf: (id) => stepsIn(first.get(id as MachineId) ?? {}, poweredAtMs.get(id)),
  };
}

/** Time to each phase from the one that was reached before it, in the order of a birth. */
function stepsIn(seen: Partial<Record<Phase, number>>, poweredAtMs = 0): ReadonlyMap<Phase, number> {
  const steps = new Map<Phase, number>();
  let before = poweredAtMs;
  for (const phase of phases) {
    const at = seen[phase];
    if (at === undefined) continue;
    steps.set(phase, at - before);
    before = at;
  }
  return steps;
}
