import { isWithin } from "../clock-jump.ts";
import { type Phase, phases } from "../machine/phase.ts";
import type { Machine } from "../machine/record.ts";
import { type AgeSketch, newAgeSketch, noteAge } from "./age-sketch.ts";
import { type Stay, staysOf } from "./stays.ts";

/** The times of finished births: in each phase, and from the beginning of a phase until the machine was up. */
export type BirthTimes = {
  births: number;
  readonly inPhase: Map<Phase, AgeSketch>;
  readonly untilUp: Map<Phase, AgeSketch>;
};

/** Births that say how long the next ones take. */
const recentMs = 7 * 86_400_000;
/** Fewer births than these say nothing of others. */
export const leastBirths = 5;
/** Models that are told apart; firmware names them, and could say anything. */
const modelLimit = 200;

/** The model of a machine: births of one model take equally long. Empty until its hardware is known. */
export function modelOf({ smbios }: Pick<Machine, "smbios">): string {
  return smbios?.product ?? "";
}

/** The births of a fleet by model, and all together. */
export class BirthTimesTally {
  readonly all = newBirthTimes();
  readonly #models = new Map<string, BirthTimes>();
  readonly #nowMs: number;

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  /** Counts the finished birth of a machine; its timeline is bounded. */
  add(machine: Machine, birth: Birth): void {
    if (!isWithin(recentMs, birth.upAtMs, this.#nowMs)) return;
    const model = modelOf(machine);
    const known = this.#models.get(model);
    const times = known ?? (this.#models.size < modelLimit ? newBirthTimes() : undefined);
    if (times !== undefined && known === undefined) this.#models.set(model, times);
    for (const one of times === undefined ? [this.all] : [this.all, times]) note(one, birth);
  }

  /** The births of a model, if they are enough to go by; otherwise those of all. */
  of(model: string): BirthTimes {
    const times = this.#models.get(model);
    return times !== undefined && times.births >= leastBirths ? times : this.all;
  }
}

/** A finished birth: when the machine was up, and each stay in a phase before that. */
export type Birth = {
  readonly upAtMs: number;
  readonly visits: readonly Stay[];
};

/** The birth of a machine's current generation; undefined until it was up once. Later updates are no part of it. */
export function finishedBirth(machine: Pick<Machine, "timeline">): Birth | undefined {
  const up = machine.timeline.find(({ phase }) => phase === "up");
  if (up === undefined) return undefined;
  const visits = staysOf(machine, up.atMs).filter(({ inBirth }) => inBirth);
  return visits.length === 0 ? undefined : { upAtMs: up.atMs, visits };
}

function newBirthTimes(): BirthTimes {
  return { births: 0, inPhase: new Map(), untilUp: new Map() };
}

function note(times: BirthTimes, { upAtMs, visits }: Birth): void {
  times.births += 1;
  for (const { phase, atMs, untilMs } of visits) {
    noteAge(sketchIn(times.inPhase, phase), untilMs - atMs);
    noteAge(sketchIn(times.untilUp, phase), upAtMs - atMs);
  }
}

function sketchIn(sketches: Map<Phase, AgeSketch>, phase: Phase): AgeSketch {
  const sketch = sketches.get(phase) ?? newAgeSketch();
  sketches.set(phase, sketch);
  return sketch;
}

/** How far a machine in a phase has come, from 0 to 1. */
export function progressIn(phase: Phase | undefined): number {
  return phase === undefined ? 0 : (phases.indexOf(phase) + 1) / phases.length;
}
