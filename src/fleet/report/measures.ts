/** Durations of one kind, in milliseconds. */
export type Percentiles = {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly most: number;
};

/** What is measured while a site is simulated. */
export type Measures = {
  readonly request: (path: string, ms: number) => void;
  /** Undefined for an attempt without an answer. */
  readonly dhcp: (ms: number | undefined) => void;
  readonly requests: () => readonly (readonly [kind: string, Percentiles])[];
  readonly unansweredDhcp: () => number;
};

/** Nothing is measured yet. */
export function openMeasures(): Measures {
  const kinds = new Map<string, number[]>();
  let unanswered = 0;
  const add = (kind: string, ms: number) => {
    const all = kinds.get(kind);
    if (all === undefined) kinds.set(kind, [ms]);
    else all.push(ms);
  };
  return {
    request: add,
    dhcp: (ms) => {
      if (ms === undefined) unanswered += 1;
      else add("DHCP", ms);
    },
    requests: () =>
      [...kinds]
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .map(([kind, all]) => [kind, percentilesOf(all)] as const),
    unansweredDhcp: () => unanswered,
  };
}

/** The percentiles of some durations, rounded to tenths. */
export function percentilesOf(durations: readonly number[]): Percentiles {
  const sorted = Float64Array.from(durations).sort();
  const at = (share: number) => {
    const value = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
    return Math.round(value * 10) / 10;
  };
  return { count: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), most: at(1) };
}
