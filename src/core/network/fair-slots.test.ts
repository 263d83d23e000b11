import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { askForSlot, endSlot, type FairSlots, newFairSlots } from "./fair-slots.ts";

const second = 1000;

/** Asks at a time, from one network. */
function asking(slots: FairSlots, network = "racks") {
  return (id: string, nowMs: number) => askForSlot(slots, { id, network, nowMs });
}

test("who comes while there is room gets a slot, but not two", () => {
  const ask = asking(newFairSlots(2));
  assert.deepEqual(
    [ask("a", 0).kind, ask("a", 1).kind, ask("b", 2).kind, ask("c", 3).kind],
    ["go", "wait", "go", "wait"],
  );
});

test("a free slot goes to the one that waits, not to the one that had it and asks more often", () => {
  const slots = newFairSlots(1);
  const ask = asking(slots);
  ask("greedy", 0);
  assert.deepEqual(ask("honest", second), { kind: "wait", retryAfterSeconds: 5 });
  endSlot(slots, "greedy", 2 * second);
  for (let at = 2; at < 6; at += 1) assert.equal(ask("greedy", at * second).kind, "wait", `after ${at} s`);
  assert.equal(ask("honest", 6 * second).kind, "go");
});

test("one that had slots for longer waits behind one that had them for a shorter time, though it asked first", () => {
  const slots = newFairSlots(1);
  const ask = asking(slots);
  ask("long", 0);
  endSlot(slots, "long", 60 * second);
  ask("short", 60 * second);
  endSlot(slots, "short", 61 * second);
  ask("third", 61 * second);
  ask("long", 62 * second);
  ask("short", 63 * second);
  endSlot(slots, "third", 64 * second);
  assert.equal(ask("long", 65 * second).kind, "wait");
  assert.equal(ask("short", 66 * second).kind, "go");
});

test("a slot is not kept for one that does not come back", () => {
  const slots = newFairSlots(1);
  const ask = asking(slots);
  ask("first", 0);
  ask("lost", second);
  ask("second", 2 * second);
  endSlot(slots, "first", 3 * second);
  assert.equal(ask("second", 9 * second).kind, "wait", "its turn may still come");
  assert.equal(ask("second", 14 * second).kind, "go");
});

test("hundreds of machines of one network that have not used a slot yet do not stand before one of another network", () => {
  const slots = newFairSlots(4);
  const ask = asking(slots, "hacked");
  for (let n = 0; n < 400; n += 1) ask(`m${n}`, n);
  asking(slots, "other")("honest", 500);
  endSlot(slots, "m0", 5000);
  assert.equal(asking(slots, "other")("honest", 5500).kind, "go");
});

test("four machines that take turns delay each other machine by no more than one slot's time", () => {
  const honest = fc.array(fc.integer({ min: 0, max: 600 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(honest, fc.integer({ min: 1, max: 60 }), (arrivals, holdSeconds) => {
      const slots = newFairSlots(4);
      const ask = asking(slots);
      const since = new Map<string, number>();
      const waits = new Map(arrivals.map((at, n) => [`honest${n}`, { from: at, next: at, got: -1 }]));
      for (let at = 0; at < 1200; at += 1) {
        for (const [id, from] of since)
          if (at - from >= (id.startsWith("hostile") ? holdSeconds : 1)) {
            since.delete(id);
            endSlot(slots, id, at * second);
          }
        // Each second, before anyone else.
        for (let n = 0; n < 12; n += 1)
          if (!since.has(`hostile${n}`) && ask(`hostile${n}`, at * second).kind === "go") since.set(`hostile${n}`, at);
        for (const [id, wait] of waits) {
          if (wait.got >= 0 || at < wait.next) continue;
          const answer = ask(id, at * second);
          if (answer.kind === "go") {
            wait.got = at;
            since.set(id, at);
          } else wait.next = at + answer.retryAfterSeconds;
        }
      }
      // The first round of twelve that have used nothing; then one slot's time, the turns before, and the pace of asking.
      for (const { from, got } of waits.values())
        assert.ok(got >= 0 && got - from <= 3 * holdSeconds + 60, `asked at ${from} s, served at ${got} s`);
    }),
    { numRuns: 15 },
  );
});
