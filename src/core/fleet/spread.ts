/** How a value is spread over machines that should be alike. */
export type Spread = {
  readonly median: number;
  /** Median absolute deviation from the median: half of the values are nearer than this. */
  readonly mad: number;
  readonly least: number;
  readonly most: number;
};

/** From this distance on a value is an outlier (Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993: 3.5). */
export const outlierScore = 3.5;
/** A normal distribution's standard deviation in median absolute deviations. */
const deviationOfMad = 1.4826;
/** Values that a median goes by: sorting those of 100,000 machines would hold up packets. */
const sampleLimit = 10_000;

/** An array of more values takes a good part of a millisecond to copy. */
export const copiedAtOnce = 8192;
/** Values that are looked at in one step: less than a tenth of a millisecond. */
const lookedAtOnce = 10_000;

/** The spread of the values of one or more things, in steps of a millisecond at most; `sample` holds those that it goes by, sorted. */
export function* spreadInSteps<T>(
  things: readonly T[],
  numberOf: (thing: T) => number,
): Generator<void, { readonly spread: Spread; readonly sample: Float64Array }, undefined> {
  const every = Math.ceil(things.length / sampleLimit);
  const sample = new Float64Array(Math.ceil(things.length / every));
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const [at, thing] of things.entries()) {
    const value = numberOf(thing);
    if (at % every === 0) sample[at / every] = value;
    if (value < least) least = value;
    if (value > most) most = value;
    if (at % lookedAtOnce === lookedAtOnce - 1) yield;
  }
  yield;
  sample.sort();
  yield;
  const median = medianOf(sample);
  const distances = sample.map((value) => Math.abs(value - median));
  yield;
  const mad = medianOf(distances.sort());
  yield;
  return { spread: { median, mad, least, most }, sample };
}

/**
 * The distance of a value from the median in robust standard deviations, negative below; a deviation is at least
 * `leastDeviation`, because what is less is noise, however alike the siblings are.
 */
export function scoreIn({ median, mad }: Spread, value: number, leastDeviation: number): number {
  const deviation = Math.max(mad * deviationOfMad, leastDeviation);
  return deviation === 0 ? 0 : (value - median) / deviation;
}

/** A score as screens show it: to a tenth. */
export function roundScore(score: number): number {
  return Math.round(score * 10) / 10;
}

function medianOf(sorted: Float64Array): number {
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : (sorted[middle - 1] ?? upper) / 2 + upper / 2;
}
