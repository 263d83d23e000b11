import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { openFetchQueue, systemImageRules } from "./fetch-queue.ts";
import { type NewArray, newArray } from "./new-array.ts";
import { openServedMachines } from "./served-machines.ts";
import { openWaitingLine } from "./waiting-line.ts";

const who = fc.nat({ max: 9 }).map((nth) => `m${nth}`);
const event = fc.oneof(
  fc.record({ kind: fc.constant("put" as const), who, bytes: fc.nat({ max: 100 }), atMs: fc.nat({ max: 50 }) }),
  fc.record({ kind: fc.constant("remove" as const), who }),
  fc.record({ kind: fc.constant("pass" as const), ms: fc.nat({ max: 20 }) }),
);

test("a line is what a list of those who wait would be, whatever comes and goes", () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 300 }), (events) => {
      const line = openWaitingLine(newArray);
      let list: { readonly who: string; readonly bytes: number; readonly leavesAtMs: number }[] = [];
      let nowMs = 0;
      for (const one of events) {
        if (one.kind === "pass") {
          nowMs += one.ms;
          line.removeOverdue(nowMs);
          list = list.filter(({ leavesAtMs }) => leavesAtMs > nowMs);
        } else if (one.kind === "remove") {
          line.remove(one.who);
          list = list.filter((other) => other.who !== one.who);
        } else {
          const put = { who: one.who, bytes: one.bytes, leavesAtMs: nowMs + one.atMs };
          line.put(one.who, put);
          const at = list.findIndex((other) => other.who === one.who);
          list = at < 0 ? [...list, put] : list.with(at, put);
        }
        assert.equal(line.size(), list.length);
        for (const name of ["m0", "m5", "nobody"]) {
          const at = list.findIndex((other) => other.who === name);
          const ahead = at < 0 ? list : list.slice(0, at);
          const bytes = ahead.reduce((sum, other) => sum + other.bytes, 0);
          assert.deepEqual(line.ahead(name), { machines: ahead.length, bytes }, name);
        }
      }
    }),
  );
});

test("machines that fetch: what is left for all together is the sum, and each is forgotten at its time", () => {
  const served = openServedMachines(newArray);
  served.put("a", { bytesLeft: 10, untilMs: 30 });
  served.put("b", { bytesLeft: 20, untilMs: 10 });
  served.put("a", { bytesLeft: 5, untilMs: 40 });
  assert.deepEqual(served.load(), { machines: 2, bytes: 25 });
  served.removeOverdue(30);
  assert.deepEqual([served.load(), served.has("a"), served.has("b")], [{ machines: 1, bytes: 5 }, true, false]);
  served.remove("b");
  served.remove("a");
  assert.deepEqual(served.load(), { machines: 0, bytes: 0 });
});

/** Arrays that count how often a cell is read or written. */
function countingArrays() {
  let count = 0;
  const arrays: NewArray = (length, value) =>
    new Proxy(newArray(length, value), {
      get: (target, key, receiver) => {
        count += 1;
        return Reflect.get(target, key, receiver);
      },
      set: (target, key, found, receiver) => {
        count += 1;
        return Reflect.set(target, key, found, receiver);
      },
    });
  return { arrays, count: () => count };
}

/** Cells that a question touches on average where as many machines wait, ask again and again, and fetch one after the other. */
function touched(machines: number): number {
  const { arrays, count } = countingArrays();
  const queue = openFetchQueue(arrays);
  const rules = systemImageRules({ bytesPerSecond: 1_250_000_000, bootImagesWait: false, hasOthers: true });
  const due = Array.from({ length: machines }, (_, nth) => ({ who: `m${nth}`, atMs: nth / 10 }));
  let questions = 0;
  // In the order of time: each asks twice, and every tenth is done then.
  for (let round = 0; round < 2; round += 1)
    for (const { who, atMs } of due) {
      queue.ask(who, 1e9, { nowMs: atMs + round * 20_000, rules });
      queue.sent(who, 1e6, { nowMs: atMs + round * 20_000, rules });
      questions += 2;
      if (round === 1 && questions % 10 === 0) queue.left(who);
    }
  return count() / questions;
}

test("a question touches as many cells as the number of machines has bits, not as many as wait", () => {
  const [few, many] = [touched(500), touched(8000)];
  assert.ok(many < 250, `${many} cells of 8,000 machines`);
  assert.ok(many < 2 * few, `${few} cells of 500 machines, ${many} of 8,000`);
});
