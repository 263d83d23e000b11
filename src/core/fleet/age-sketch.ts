/**
 * Ages in buckets whose bounds grow by a twentieth. A quantile is accurate to five percent whatever the number of ages,
 * at a hundred bytes per bucket; sorting a million ages would delay packets.
 */
export type AgeSketch = { readonly counts: Map<number, number>; total: number; maxMs: number };

const growth = Math.log(1.05);
/** The bucket of ages below a millisecond; bucket 0 is that of one millisecond, whose logarithm is 0. */
const newBucket = -1;

/** An empty sketch. */
export function newAgeSketch(): AgeSketch {
  return { counts: new Map(), total: 0, maxMs: 0 };
}

/** Adds an age; a negative one (from differing clocks) counts as 0. */
export function noteAge(sketch: AgeSketch, ageMs: number): void {
  const bucket = ageMs < 1 ? newBucket : Math.ceil(Math.log(ageMs) / growth);
  sketch.counts.set(bucket, (sketch.counts.get(bucket) ?? 0) + 1);
  sketch.total += 1;
  if (ageMs > sketch.maxMs) sketch.maxMs = ageMs;
}

/** The age in milliseconds that this share of the ages does not exceed; at most five percent too high, exact for 1. */
export function ageQuantile({ counts, total, maxMs }: AgeSketch, share: number): number {
  if (share >= 1) return maxMs;
  const wanted = Math.ceil(share * total);
  let seen = 0;
  for (const [bucket, count] of [...counts].sort(([a], [b]) => a - b)) {
    seen += count;
    if (seen >= wanted) return Math.min(maxMs, bucket === newBucket ? 0 : Math.exp(bucket * growth));
  }
  return maxMs;
}

/** The number of ages up to this one, in buckets: an age in the bucket of `ageMs` counts in part, by where in it `ageMs` is. */
export function ageCountUpTo(sketch: AgeSketch, ageMs: number): number {
  if (ageMs >= sketch.maxMs) return sketch.total;
  const { bounds, below } = cumulated(sketch);
  let [low, high] = [0, bounds.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((bounds[middle] ?? 0) <= ageMs) low = middle + 1;
    else high = middle;
  }
  const before = low === 0 ? 0 : (below[low - 1] ?? 0);
  const until = bounds[low];
  if (until === undefined) return before;
  const begin = until / Math.exp(growth);
  const share = Math.max(0, Math.min(1, (ageMs - begin) / (until - begin)));
  return before + share * ((below[low] ?? before) - before);
}

type Cumulated = { readonly total: number; readonly bounds: readonly number[]; readonly below: readonly number[] };

/** The buckets of sketches that are read more often than they are written. */
const cumulatedOf = new WeakMap<AgeSketch, Cumulated>();

function cumulated(sketch: AgeSketch): Cumulated {
  const known = cumulatedOf.get(sketch);
  if (known !== undefined && known.total === sketch.total) return known;
  const bounds: number[] = [];
  const below: number[] = [];
  let seen = 0;
  for (const [bucket, count] of [...sketch.counts].sort(([a], [b]) => a - b)) {
    seen += count;
    bounds.push(bucket === newBucket ? 1 : Math.exp(bucket * growth));
    below.push(seen);
  }
  const made = { total: sketch.total, bounds, below };
  cumulatedOf.set(sketch, made);
  return made;
}
