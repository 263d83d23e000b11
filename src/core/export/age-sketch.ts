/**
 * How old things are, in buckets that grow by a twentieth: a quantile is right to five percent whatever their number, at a
 * hundred bytes a bucket where sorting a million ages would stop the packets.
 */
export type AgeSketch = { readonly counts: Map<number, number>; total: number; maxMs: number };

const growth = Math.log(1.05);
/** The bucket of what is less than a millisecond old; 0 is that of one millisecond, whose logarithm is 0. */
const newBucket = -1;

/** A sketch of nothing. */
export function newAgeSketch(): AgeSketch {
  return { counts: new Map(), total: 0, maxMs: 0 };
}

/** Adds an age; negative ones (clocks differ) count as 0. */
export function noteAge(sketch: AgeSketch, ageMs: number): void {
  const bucket = ageMs < 1 ? newBucket : Math.ceil(Math.log(ageMs) / growth);
  sketch.counts.set(bucket, (sketch.counts.get(bucket) ?? 0) + 1);
  sketch.total += 1;
  if (ageMs > sketch.maxMs) sketch.maxMs = ageMs;
}

/** Milliseconds that this share of the ages do not exceed, at most five percent too high; exact for 1. */
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
