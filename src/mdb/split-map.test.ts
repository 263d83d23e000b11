import assert from "node:assert/strict";
import { test } from "node:test";
import { SplitMap } from "./split-map.ts";

test("a split map holds what was set, whatever part its key is in", () => {
  const map = new SplitMap<string | number, number>();
  const keys = Array.from({ length: 3000 }, (_, n) => (n % 2 === 0 ? `r${n}u1` : n));
  for (const [n, key] of [...keys.entries(), ...keys.entries()]) map.set(key, n);
  assert.equal(map.size, keys.length);
  for (const [n, key] of keys.entries()) assert.equal(map.get(key), n);
  assert.deepEqual(
    [map.get("r1u1"), map.has("r1u1"), map.has(""), map.delete("r1u1")],
    [...[undefined, false], ...[false, false]],
  );
  for (const [n, key] of keys.entries()) if (n >= 10) assert.ok(map.delete(key));
  assert.equal(map.size, 10);
  assert.deepEqual([map.has("r0u1"), map.get(9), map.has("r10u1"), map.get(11)], [true, 9, false, undefined]);
});
