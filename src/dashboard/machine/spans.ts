import type { TimelineEntry } from "../../core/machine/record.ts";

/** A phase of a birth from its beginning to the next. */
export type Span = Pick<TimelineEntry, "phase" | "atMs" | "detail"> & {
  readonly durationMs: number;
  /** It has not ended. */
  readonly isOpen: boolean;
};

/** The phases of a timeline; the last one lasts until `untilMs`, or no time if that is undefined. */
export function spansOf(timeline: readonly TimelineEntry[], untilMs: number | undefined): readonly Span[] {
  return timeline.map(({ phase, atMs, durationMs, detail }, at) => {
    const next = timeline[at + 1];
    const end = next?.atMs ?? untilMs ?? atMs;
    return {
      ...{ phase, atMs, durationMs: durationMs ?? Math.max(0, end - atMs) },
      isOpen: next === undefined && untilMs !== undefined && durationMs === undefined,
      ...(detail === undefined ? {} : { detail }),
    };
  });
}
