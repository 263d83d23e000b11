import { nameOf } from "../machine/life/move.ts";
import type { Machine } from "../machine/record.ts";
import { modelOf } from "./birth-times.ts";

/** One figure of the burn-in over the machines of one model: what is usual, and which machines are far from it. */
export type FigureSummary = {
  readonly model: string;
  readonly test: string;
  /** Its name with the unit last, such as `writeMiBps`. */
  readonly figure: string;
  readonly machines: number;
  readonly median: number;
  /** Median absolute deviation from the median: half of the values are nearer than this. */
  readonly mad: number;
  readonly least: number;
  readonly most: number;
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

/** From this distance on a value is an outlier (Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993: 3.5). */
const outlierScore = 3.5;
/** A normal distribution's standard deviation in median absolute deviations. */
const deviationOfMad = 1.4826;
/** Deviations below this share of the median are noise, however alike the siblings are. */
const leastDeviation = 0.01;
const outliersShown = 20;
/** Figures that are told apart: model, test and figure; machines name the first and the last. */
const figureLimit = 2000;

type Value = { readonly machine: Machine; readonly subject: string; readonly value: number };
type Figure = Pick<FigureSummary, "model" | "test" | "figure"> & { readonly values: Value[] };

/** The figures of the latest burn-ins, in steps of a machine or a figure each; n log n in the number of values. */
export function* figuresInSteps(machines: readonly Machine[]): Generator<void, FigureSummary[], undefined> {
  const figures = new Map<string, Figure>();
  for (const machine of machines) {
    for (const { test, subject, figures: measured } of machine.burnIn?.results ?? [])
      for (const [figure, value] of Object.entries(measured)) {
        const model = modelOf(machine);
        const key = JSON.stringify([model, test, figure]);
        const known = figures.get(key);
        if ((known === undefined && figures.size >= figureLimit) || !Number.isFinite(value)) continue;
        const of = known ?? { model, test, figure, values: [] };
        of.values.push({ machine, subject, value });
        if (known === undefined) figures.set(key, of);
      }
    yield;
  }
  const summaries: FigureSummary[] = [];
  for (const figure of figures.values()) {
    summaries.push(summaryOf(figure));
    yield;
  }
  return summaries.sort(byName);
}

function byName(a: FigureSummary, b: FigureSummary): number {
  const [one, other] = [a, b].map(({ model, test, figure }) => `${model}\n${test}\n${figure}`) as [string, string];
  return one < other ? -1 : 1;
}

function summaryOf({ model, test, figure, values }: Figure): FigureSummary {
  const sorted = Float64Array.from(values, ({ value }) => value).sort();
  const median = medianOf(sorted);
  const mad = medianOf(sorted.map((value) => Math.abs(value - median)).sort());
  const deviation = Math.max(mad * deviationOfMad, Math.abs(median) * leastDeviation);
  const scored = values
    .map((value) => ({ ...value, score: deviation === 0 ? 0 : (value.value - median) / deviation }))
    .filter(({ score }) => Math.abs(score) >= outlierScore)
    .sort((a, b) => Math.abs(b.score) - Math.abs(a.score));
  return {
    ...{ model, test, figure, median, mad, machines: new Set(values.map(({ machine }) => machine.id)).size },
    ...{ least: sorted[0] ?? 0, most: sorted[sorted.length - 1] ?? 0 },
    outliers: scored.slice(0, outliersShown).map(({ machine, subject, value, score }) => ({
      ...{ name: nameOf(machine), subject, value, score: Math.round(score * 10) / 10 },
    })),
  };
}

function medianOf(sorted: Float64Array): number {
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : (sorted[middle - 1] ?? upper) / 2 + upper / 2;
}
