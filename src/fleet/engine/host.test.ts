import assert from "node:assert/strict";
import { test } from "node:test";
import { openAgenda } from "./agenda.ts";
import { openHost, workOn } from "./host.ts";

/** When work of these durations and demands is done that begins at once on a host, in milliseconds. */
function done(processors: number, works: readonly (readonly [ms: number, demand: number])[]): readonly number[] {
  const agenda = openAgenda();
  const host = openHost(processors);
  const ends: number[] = works.map(() => Number.NaN);
  for (const [nth, [ms, demand]] of works.entries())
    workOn({ agenda, host }, { ms, demand }, () => {
      ends[nth] = Math.round(agenda.nowMs());
    });
  while (agenda.step(1e9));
  return ends;
}

const cases: readonly (readonly [string, number, Parameters<typeof done>[1], readonly number[]])[] = [
  ["one alone takes its time", 2, [[1000, 1]], [1000]],
  [
    "as many as there are processors do not meet",
    2,
    [
      [1000, 1],
      [500, 1],
    ],
    [1000, 500],
  ],
  [
    "twice as many take twice as long",
    1,
    [
      [1000, 1],
      [1000, 1],
    ],
    [2000, 2000],
  ],
  [
    "the last one has its processor for itself again",
    1,
    [
      [1000, 1],
      [500, 1],
    ],
    [1500, 1000],
  ],
  [
    "waiting for other things is not stretched",
    1,
    [
      [1000, 0],
      [1000, 1],
      [1000, 1],
    ],
    [1000, 2000, 2000],
  ],
  [
    "half of the time on a processor is stretched by half",
    1,
    [
      [1000, 0.5],
      [3000, 1],
    ],
    [1250, 3417],
  ],
];
for (const [title, processors, works, expected] of cases)
  test(title, () => assert.deepEqual(done(processors, works), expected));
