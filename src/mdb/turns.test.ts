import assert from "node:assert/strict";
import { test } from "node:test";
import { applyInParts, sortInTurns } from "./turns.ts";

test("a list that is sorted in turns is in order, and equal items stay in theirs", async () => {
  for (const length of [0, 1, 2047, 2048, 2049, 10_000]) {
    const items = Array.from({ length }, (_, n) => ({ key: (n * 7919) % 1000, n }));
    const expected = [...items].sort((a, b) => a.key - b.key);
    assert.deepEqual(await sortInTurns(items, (a, b) => a.key - b.key), expected);
  }
});

test("many changes are made fifty at a time, and their results are in order", async () => {
  let [open, most] = [0, 0];
  const numbers = Array.from({ length: 250 }, (_, n) => n);
  const made = await applyInParts(numbers, async (n) => {
    open += 1;
    most = Math.max(most, open);
    await Promise.resolve();
    open -= 1;
    return n * 2;
  });
  assert.deepEqual(
    made,
    numbers.map((n) => n * 2),
  );
  assert.equal(most, 50);
});
