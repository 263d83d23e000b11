import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { openAgenda } from "../engine/agenda.ts";
import { type Link, openFlows, openLink } from "./flows.ts";

/** Transfers of megabytes over links of megabytes a second; when each was done, in seconds. */
function transfer(
  capacities: readonly number[],
  flows: readonly { readonly over: readonly number[]; readonly mb: number; readonly limit?: number }[],
): number[] {
  const agenda = openAgenda();
  const links = capacities.map((rate, n) => openLink(String(n), rate * 1e6));
  const wires = openFlows(agenda);
  const done: number[] = flows.map(() => Number.NaN);
  for (const [n, { over, mb, limit = 1e6 }] of flows.entries())
    wires.start({
      links: over.map((at) => links[at] as Link),
      ...{ limitBytesPerMs: limit * 1000, totalBytes: mb * 1e6, progress: { doneBytes: 0 } },
      finished: () => {
        done[n] = agenda.nowMs() / 1000;
      },
    });
  while (agenda.step(1e12));
  return done;
}

const near = (found: number | undefined, expected: number) =>
  assert.ok(Math.abs((found ?? 0) - expected) <= 0.11, `expected ${expected} s, found ${found} s`);

describe("transfers share links max-min fairly", () => {
  const cases: readonly (readonly [string, readonly number[], Parameters<typeof transfer>[1], readonly number[]])[] = [
    ["one alone has the whole link", [100], [{ over: [0], mb: 1000 }], [10]],
    [
      "two share it",
      [100],
      [
        { over: [0], mb: 500 },
        { over: [0], mb: 1000 },
      ],
      [10, 15],
    ],
    [
      "a slow end leaves its share to the other",
      [100],
      [
        { over: [0], mb: 100, limit: 10 },
        { over: [0], mb: 900 },
      ],
      [10, 10],
    ],
    [
      "what one link does not let through, others on the next link get",
      [100, 30],
      [
        { over: [0, 1], mb: 300 },
        { over: [0], mb: 700 },
      ],
      [10, 10],
    ],
    [
      "links without a flow in common do not meet",
      [100, 50],
      [
        { over: [0], mb: 1000 },
        { over: [1], mb: 1000 },
      ],
      [10, 20],
    ],
  ];
  for (const [title, capacities, flows, expected] of cases)
    test(title, () => {
      const found = transfer(capacities, flows);
      for (const [n, seconds] of expected.entries()) near(found[n], seconds);
    });

  test("no link carries more than it can, and everything arrives", () => {
    const flow = fc.record({
      over: fc.uniqueArray(fc.nat({ max: 3 }), { minLength: 1, maxLength: 3 }),
      mb: fc.integer({ min: 1, max: 50 }),
    });
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 4, maxLength: 4 }),
        fc.array(flow, { minLength: 1, maxLength: 8 }),
        (capacities, flows) => {
          const done = transfer(capacities, flows);
          const last = Math.max(...done);
          for (const [at, rate] of capacities.entries()) {
            const bytes = flows.reduce((sum, { over, mb }) => sum + (over.includes(at) ? mb : 0), 0);
            assert.ok(bytes <= rate * (last + 0.11), `${bytes} MB over link ${at} of ${rate} MB/s in ${last} s`);
          }
          assert.ok(done.every((at) => at > 0));
        },
      ),
    );
  });
});

test("a child gets no more than its source has", () => {
  const agenda = openAgenda();
  const wires = openFlows(agenda);
  const [slow, fast] = [openLink("slow", 10e6), openLink("fast", 1e9)];
  const totalBytes = 100e6;
  const had = { doneBytes: 0 };
  const ends: string[] = [];
  const base = { totalBytes, limitBytesPerMs: 1e6 };
  wires.start({
    ...{ ...base, links: [slow], progress: had },
    finished: () => ends.push(`first ${Math.round(agenda.nowMs() / 1000)}`),
  });
  wires.start({
    ...base,
    links: [fast],
    ...{ progress: { doneBytes: 0 }, source: had },
    finished: () => ends.push(`second ${Math.round(agenda.nowMs() / 1000)}`),
  });
  while (agenda.step(1e9));
  assert.deepEqual(ends.sort(), ["first 10", "second 10"]);
});
