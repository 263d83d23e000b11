import type { Machine } from "./record.ts";

/** Work of a machine that takes minutes and can be counted. */
export const works = ["burnIn", "fetch", "update", "erase"] as const;
export type Work = (typeof works)[number];

/** How far a machine is: tests of a burn-in, bytes of a fetch, steps of an update, percent of the disks that erase themselves (100 each). */
export type WorkProgress = {
  readonly what: Work;
  readonly done: number;
  readonly total: number;
  /** What it does now, such as `memory of 1600 MiB`; absent from machines of older versions, and where nothing is to be said. */
  readonly current?: string;
  /** Whole percent of that, for what takes long. */
  readonly currentPercent?: number;
};

/** Only what belongs to the progress. */
export function plainProgress({ what, done, total, current, currentPercent }: WorkProgress): WorkProgress {
  return {
    ...{ what, done, total },
    ...(current === undefined ? {} : { current }),
    ...(currentPercent === undefined ? {} : { currentPercent }),
  };
}

/** What was last heard of it, and when. */
export type NotedProgress = WorkProgress & { readonly atMs: number };

/** What was heard of a machine, if it is about the phase that the machine is in; `done` never exceeds `total`. */
export function currentProgress(
  { phaseAtMs = 0 }: Pick<Machine, "phaseAtMs">,
  noted: NotedProgress | undefined,
): NotedProgress | undefined {
  if (noted === undefined || noted.atMs < phaseAtMs || noted.total <= 0) return undefined;
  return { ...noted, done: Math.min(noted.done, noted.total) };
}

/** Progress as text, such as `fetching 412 MiB of 1.2 GiB (33 %)`. */
export function describeProgress({ what, done, total, current, currentPercent }: WorkProgress): string {
  switch (what) {
    case "burnIn": {
      const now = current === undefined ? "" : `: ${current}`;
      const part = currentPercent === undefined ? "" : ` (${currentPercent} %)`;
      return `burn-in ${done} of ${total} ${total === 1 ? "test" : "tests"}${now}${part}`;
    }
    case "fetch":
      return `fetching ${size(done)} of ${size(total)} (${percent(done, total)} %)`;
    case "erase":
      return `erasing ${total / 100} ${total === 100 ? "disk" : "disks"} (${percent(done, total)} %)`;
    case "update":
      return `updating ${done} of ${total} ${total === 1 ? "step" : "steps"} (${percent(done, total)} %)`;
  }
}

/** Whole percent, rounded down: 100 only if all is done. */
export function percent(done: number, total: number): number {
  return Math.floor((100 * done) / total);
}

function size(bytes: number): string {
  return bytes < 2 ** 30 ? `${Math.round(bytes / 2 ** 20)} MiB` : `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
