import { type Phase, phases } from "../machine/phase.ts";
import type { Machine } from "../machine/record.ts";
import { modelOf } from "./birth-times.ts";
import { leastFigureDeviation } from "./burn-in-figures.ts";
import { type Measured, measuredBy } from "./measured.ts";
import { copiedAtOnce, roundScore, type Spread, scoreIn, spreadInSteps } from "./spread.ts";
import { staysOf } from "./stays.ts";

/** Values of the machines of a model: how many machines have one, and how they are spread. */
export type SiblingSpread = Spread & { readonly machines: number };

/** How long the births of a model were in a phase, in milliseconds. */
type PhaseSpread = SiblingSpread & { readonly phase: Phase };

/** What the burn-ins of a model measured. `dots` are some of the values, ascending, the least and the most among them. */
type FigureSpread = SiblingSpread &
  Pick<Measured, "test" | "part" | "figure"> & {
    readonly dots: readonly number[];
  };

/** The machines of one model: their times in each phase of the birth, and their figures of the burn-in. */
export type Model = {
  readonly model: string;
  readonly machines: number;
  readonly phases: readonly PhaseSpread[];
  readonly figures: readonly FigureSpread[];
};

/** A stay of a machine in a phase, beside its siblings. */
export type PhaseAmongSiblings = {
  readonly phase: Phase;
  readonly atMs: number;
  /** Until the next phase; of an open stay until now. */
  readonly durationMs: number;
  readonly isOpen?: true;
  readonly detail?: string;
  /** Absent for what is no part of the birth, such as an update, and where no birth of the model has left the phase. */
  readonly siblings?: SiblingSpread;
  /** Distance from the median in robust standard deviations, negative if it was faster; absent without siblings. */
  readonly score?: number;
};

/** A figure of a machine's latest burn-in, beside its siblings. */
export type FigureAmongSiblings = Measured & {
  readonly siblings: SiblingSpread & { readonly dots: readonly number[] };
  readonly score: number;
};

/** A machine beside the machines of its model, itself among them. */
export type Siblings = {
  /** Empty if the firmware told none: such machines are siblings, too. */
  readonly model: string;
  readonly machines: number;
  readonly phases: readonly PhaseAmongSiblings[];
  readonly figures: readonly FigureAmongSiblings[];
};

/** Dots of a figure: more cannot be told apart in a strip of some 240 pixels. */
const dotLimit = 120;
/** Test and figure: machines name the second. */
const figureLimit = 200;

type Values = { readonly values: number[]; machines: number };
type FigureValues = Values & Pick<Measured, "test" | "part" | "figure">;

/**
 * The machines of a model, in steps of a machine each. A stay counts as soon as it has ended, so that machines switched on
 * together can be compared before the first of them is up; of a machine that came to a phase again, each stay counts.
 */
export function* modelInSteps(machines: readonly Machine[], model: string): Generator<void, Model, undefined> {
  const inPhase = new Map<Phase, Values>();
  const figures = new Map<string, FigureValues>();
  let count = 0;
  for (const machine of machines) {
    if (modelOf(machine) === model) {
      count += 1;
      noteStays(inPhase, machine);
      yield* noteFigures(figures, machine);
    }
    yield;
  }
  const phaseSpreads: PhaseSpread[] = [];
  for (const phase of phases) {
    const of = inPhase.get(phase);
    if (of === undefined) continue;
    const { spread } = yield* spreadInSteps(of.values, Number);
    phaseSpreads.push({ phase, machines: of.machines, ...spread });
  }
  const figureSpreads: FigureSpread[] = [];
  for (const { test, part, figure, values, machines } of figures.values()) {
    const { spread, sample } = yield* spreadInSteps(values, Number);
    figureSpreads.push({ test, part, figure, machines, ...spread, dots: dotsOf(sample, spread) });
  }
  return { model, machines: count, phases: phaseSpreads, figures: figureSpreads };
}

function noteStays(inPhase: Map<Phase, Values>, machine: Machine): void {
  const seen = new Set<Phase>();
  for (const { phase, atMs, untilMs, isOpen, inBirth } of staysOf(machine, 0)) {
    if (!inBirth || isOpen) continue;
    note(inPhase, phase, () => ({ values: [], machines: 0 }), untilMs - atMs, !seen.has(phase));
    seen.add(phase);
  }
}

function* noteFigures(figures: Map<string, FigureValues>, machine: Machine): Generator<void, void, undefined> {
  const seen = new Set<string>();
  for (const { test, part, figure, value } of measuredBy(machine)) {
    const key = JSON.stringify([test, part, figure]);
    if (figures.size >= figureLimit && !figures.has(key)) continue;
    const of = note(figures, key, () => ({ test, part, figure, values: [], machines: 0 }), value, !seen.has(key));
    seen.add(key);
    if (of.values.length > copiedAtOnce) yield;
  }
}

function note<K, V extends Values>(all: Map<K, V>, key: K, fresh: () => V, value: number, isFirst: boolean): V {
  const of = all.get(key) ?? fresh();
  if (of.values.length === 0) all.set(key, of);
  if (isFirst) of.machines += 1;
  of.values.push(value);
  return of;
}

function dotsOf(sample: Float64Array, { least, most }: Spread): readonly number[] {
  const every = Math.max(1, sample.length / dotLimit);
  const dots = Array.from(
    { length: Math.min(sample.length, dotLimit) },
    (_, at) => sample[Math.floor(at * every)] ?? 0,
  );
  return [...new Set([least, ...dots, most])];
}

/** A machine beside those of its model. */
export function amongSiblings(machine: Machine, of: Model, nowMs: number): Siblings {
  const inPhase = new Map(of.phases.map(({ phase, ...spread }) => [phase, spread]));
  return {
    ...{ model: of.model, machines: of.machines },
    phases: staysOf(machine, nowMs).map(({ phase, atMs, untilMs, isOpen, inBirth, detail }) => {
      const durationMs = untilMs - atMs;
      const siblings = inBirth ? inPhase.get(phase) : undefined;
      return {
        ...{ phase, atMs, durationMs },
        ...(isOpen ? { isOpen } : {}),
        ...(detail === undefined ? {} : { detail }),
        ...(siblings === undefined ? {} : { siblings, score: phaseScore(siblings, durationMs, isOpen) }),
      };
    }),
    figures: [...figuresAmong(machine, of)].map(({ own, usual, score }) => {
      const { median, mad, least, most, machines, dots } = usual;
      return { ...own, siblings: { median, mad, least, most, machines, dots }, score: roundScore(score) };
    }),
  };
}

/** A figure of a machine, that of its siblings, and how far it is from their median, not rounded. */
export type ScoredFigure = { readonly own: Measured; readonly usual: FigureSpread; readonly score: number };

/** What a burn-in measured that its siblings' did, too. */
export function* figuresAmong(
  measured: Parameters<typeof measuredBy>[0],
  { figures }: Pick<Model, "figures">,
): Generator<ScoredFigure, void, undefined> {
  for (const own of measuredBy(measured)) {
    const isSame = ({ test, part, figure }: FigureSpread) =>
      test === own.test && part === own.part && figure === own.figure;
    const usual = figures.find(isSame);
    if (usual !== undefined) yield { own, usual, score: scoreIn(usual, own.value, leastFigureDeviation(usual)) };
  }
}

/** Stays differ by a second, or by a tenth, for no reason. One that has not ended cannot be too short. */
function phaseScore(siblings: Spread, durationMs: number, isOpen: boolean): number {
  const score = roundScore(scoreIn(siblings, durationMs, Math.max(1000, siblings.median / 10)));
  return isOpen ? Math.max(0, score) : score;
}
