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

/** The spread of one or more values, in a few steps; `sample` holds those that it goes by, sorted. */
export function* spreadInSteps(
  values: readonly number[],
): Generator<void, { readonly spread: Spread; readonly sample: Float64Array }, undefined> {
  const every = Math.ceil(values.length / sampleLimit);
  const sample = new Float64Array(Math.ceil(values.length / every));
  for (let at = 0; at < sample.length; at += 1) sample[at] = values[at * every] ?? 0;
  sample.sort();
  yield;
  const median = medianOf(sample);
  const mad = medianOf(sample.map((value) => Math.abs(value - median)).sort());
  yield;
  let [least, most] = [values[0] ?? 0, values[0] ?? 0];
  for (const value of values) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
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
