import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { admitNewcomer, defaultNewMachinesPerMinute, newNewcomers } from "./newcomer-limit.ts";

const perMinute = 60;
const maxMachines = 10_000;

/** How many of those that ask at these times are taken in, and how often it was said that some are not. */
function admittedAt(timesMs: readonly number[], perMinute: number, machines = 0): { admitted: number; said: number } {
  let newcomers = newNewcomers(perMinute, 0);
  let [admitted, said] = [0, 0];
  for (const nowMs of timesMs) {
    const answer = admitNewcomer(newcomers, { perMinute, machines, maxMachines }, nowMs);
    newcomers = answer.newcomers;
    if (answer.outcome === "admitted") admitted += 1;
    else assert.equal(answer.outcome, machines < maxMachines ? "tooManyAtOnce" : "tooManyMachines");
    if (answer.say) said += 1;
  }
  return { admitted, said };
}

const times = (count: number, stepMs: number) => Array.from({ length: count }, (_, n) => n * stepMs);

const rows: readonly (readonly [string, readonly number[], number, number, { admitted: number; said: number }])[] = [
  ["a hundred racks at once, by default", times(4000, 0), defaultNewMachinesPerMinute, 0, { admitted: 4000, said: 0 }],
  ["a minute's worth at once, then silence, told once", times(200, 0), perMinute, 0, { admitted: 60, said: 1 }],
  ["one a second for ever", times(1000, 1000), perMinute, 0, { admitted: 1000, said: 0 }],
  ["ten a second for a minute", times(600, 100), perMinute, 0, { admitted: 119, said: 1 }],
  ["one less than may be known", times(10, 0), perMinute, maxMachines - 1, { admitted: 10, said: 0 }],
  ["as many as may be known", times(10, 0), perMinute, maxMachines, { admitted: 0, said: 1 }],
];
for (const [title, timesMs, limit, machines, expected] of rows)
  test(`newcomers: ${title}`, () => assert.deepEqual(admittedAt(timesMs, limit, machines), expected));

test("newcomers: never more than two minutes' worth in any minute, whatever the times", () => {
  const gaps = fc.array(fc.nat(2000), { maxLength: 500 });
  fc.assert(
    fc.property(gaps, (gapsMs) => {
      let nowMs = 0;
      const timesMs = gapsMs.map((gap) => {
        nowMs += gap;
        return nowMs;
      });
      const { admitted } = admittedAt(timesMs, perMinute);
      assert.ok(admitted <= perMinute * (1 + nowMs / 60_000) + 1);
    }),
  );
});
