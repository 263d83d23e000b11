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
