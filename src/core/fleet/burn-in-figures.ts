import { nameOf } from "../machine/life/move.ts";
import type { Machine } from "../machine/record.ts";
import { modelOf } from "./birth-times.ts";
import { type Measured, measuredBy } from "./measured.ts";
import { copiedAtOnce, outlierScore, roundScore, type Spread, scoreIn, spreadInSteps } from "./spread.ts";

/** One figure of the burn-in over the machines of one model: what is usual, and which machines are far from it. */
export type FigureSummary = Spread &
  Pick<Measured, "test" | "part" | "figure"> & {
    readonly model: string;
    readonly machines: number;
    /** The values farthest from the median, the farthest first. */
    readonly outliers: readonly FigureOutlier[];
  };

/** A value far from those of its siblings; `score` is its distance in robust standard deviations, negative below. */
export type FigureOutlier = {
  readonly name: string;
  readonly subject: string;
  readonly value: number;
  readonly score: number;
};

/** Deviations below this share of the median are noise, however alike the siblings are. */
const leastDeviation = 0.01;
/** Enough for every slow disk of a delivery: the picture of the racks colours by these. */
export const outliersShown = 500;
/** Figures that are told apart: model, test and figure; machines name the first and the last. */
const figureLimit = 2000;

type Value = { readonly machine: Machine; readonly subject: string; readonly value: number };
type Figure = Pick<FigureSummary, "model" | "test" | "part" | "figure"> & {
  readonly values: Value[];
  machines: number;
};

/** The figures of the latest burn-ins, in steps of a machine or a thousand values each; linear in the number of values. */
export function* figuresInSteps(machines: readonly Machine[]): Generator<void, FigureSummary[], undefined> {
  const figures = new Map<string, Figure>();
  for (const machine of machines) {
    yield* noteMachine(figures, machine);
    yield;
  }
  const summaries: FigureSummary[] = [];
  for (const figure of figures.values()) summaries.push(yield* summaryOf(figure));
  return summaries.sort(byName);
}

function* noteMachine(figures: Map<string, Figure>, machine: Machine): Generator<void, void, undefined> {
  const model = modelOf(machine);
  for (const { test, part, subject, figure, value } of measuredBy(machine)) {
    const key = JSON.stringify([model, test, part, figure]);
    const known = figures.get(key);
    if (known === undefined && figures.size >= figureLimit) continue;
    const of = known ?? { model, test, part, figure, values: [], machines: 0 };
    if (of.values[of.values.length - 1]?.machine !== machine) of.machines += 1;
    of.values.push({ machine, subject, value });
    // An array that grows is copied, and those of all figures grow with the same machine.
    if (of.values.length > copiedAtOnce) yield;
    if (known === undefined) figures.set(key, of);
  }
}

function byName(a: FigureSummary, b: FigureSummary): number {
  const [one = "", other = ""] = [a, b].map(({ model, test, part, figure }) => [model, test, part, figure].join("\n"));
  return one < other ? -1 : 1;
}

function* summaryOf({ values, ...figure }: Figure): Generator<void, FigureSummary, undefined> {
  const { spread } = yield* spreadInSteps(values, ({ value }) => value);
  const deviation = leastFigureDeviation(spread);
  let far: (Value & { readonly score: number })[] = [];
  for (const [at, value] of values.entries()) {
    const score = scoreIn(spread, value.value, deviation);
    if (Math.abs(score) >= outlierScore) far.push({ ...value, score });
    if (at % 1000 === 999) {
      far = farthest(far);
      yield;
    }
  }
  const outliers = farthest(far).map(({ machine, subject, value, score }) => ({
    ...{ name: nameOf(machine), subject, value, score: roundScore(score) },
  }));
  return { ...figure, ...spread, outliers };
}

function farthest<Scored extends { readonly score: number }>(far: readonly Scored[]): Scored[] {
  return [...far].sort((a, b) => Math.abs(b.score) - Math.abs(a.score)).slice(0, outliersShown);
}

/** The least deviation that is not noise: a score has at least this unit. */
export function leastFigureDeviation({ median }: Spread): number {
  return Math.abs(median) * leastDeviation;
}
