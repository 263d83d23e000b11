import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { openAgenda } from "./agenda.ts";
import { chanceFrom, seedOf } from "./chance.ts";
import { run, type Script, until } from "./script.ts";

test("events come in the order of their time, then of their scheduling; what is taken back does not come", () => {
  const event = fc.record({ ms: fc.nat({ max: 20 }), isTakenBack: fc.boolean() });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      const agenda = openAgenda();
      const found: number[] = [];
      const undo = events.map(({ ms }, n) => agenda.after(ms, () => found.push(n)));
      for (const [n, { isTakenBack }] of events.entries()) if (isTakenBack) undo[n]?.();
      while (agenda.step(1000));
      const expected = [...events.entries()]
        .filter(([, { isTakenBack }]) => !isTakenBack)
        .sort(([a, one], [b, other]) => one.ms - other.ms || a - b)
        .map(([n]) => n);
      assert.deepEqual(found, expected);
    }),
  );
});

test("nothing comes after the limit", () => {
  const agenda = openAgenda();
  agenda.after(11, () => assert.fail("it came"));
  assert.equal(agenda.step(10), false);
});

test("a script that is stopped goes no further, and its wait is taken back", () => {
  const agenda = openAgenda();
  const steps: string[] = [];
  function* script(): Script {
    for (;;) {
      yield* until<void>((done) => agenda.after(10, () => done()));
      steps.push(String(agenda.nowMs()));
    }
  }
  const running = run(script(), () => assert.fail("it ended"));
  agenda.step(100);
  agenda.step(100);
  running.stop();
  assert.equal(agenda.step(100), false);
  assert.deepEqual(steps, ["10", "20"]);
});

test("a script that ends says so, with the values of its waits", () => {
  let sum = 0;
  let ended = 0;
  function* script(): Script {
    for (const n of [1, 2, 3]) {
      const got: number = yield* until<number>((done) => {
        done(n);
        done(100);
        return undefined;
      });
      sum += got;
    }
  }
  run(script(), () => {
    ended += 1;
  });
  assert.deepEqual([sum, ended], [6, 1]);
});

test("the same seed gives the same chance, another one another", () => {
  const of = (seed: number) => {
    const chance = chanceFrom(seed);
    return [chance.next(), chance.between(5, 6), chance.happens(0.5), ...chance.bytes(4)];
  };
  assert.deepEqual(of(1), of(1));
  assert.notDeepEqual(of(1), of(2));
  assert.equal(new Set(Array.from({ length: 10_000 }, (_, n) => seedOf(7, n))).size, 10_000);
});
