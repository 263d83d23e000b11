import assert from "node:assert/strict";
import { test } from "node:test";
import { putNewest } from "./newest.ts";

test("the newest are kept, never more than the limit, and an entry that is put again is new again", () => {
  const map = new Map<number, string>();
  for (let n = 0; n < 100; n += 1) {
    putNewest(map, [n, `${n}`], 32);
    putNewest(map, [0, "again"], 32);
    assert.ok(map.size <= 32);
    const newest = [...map.keys()].slice(-Math.min(n + 1, 30));
    assert.deepEqual(newest, [...Array.from({ length: newest.length - 1 }, (_, i) => n - newest.length + 2 + i), 0]);
  }
  assert.equal(map.get(0), "again");
  assert.equal(map.get(1), undefined);
});

test("a map with room for one keeps the last one", () => {
  const map = new Map<number, number>();
  for (let n = 0; n < 3; n += 1) putNewest(map, [n, n], 1);
  assert.deepEqual([...map], [[2, 2]]);
});
