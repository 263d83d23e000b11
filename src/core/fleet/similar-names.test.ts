import assert from "node:assert/strict";
import { test } from "node:test";
import { editDistance, similarAmong } from "./similar-names.ts";

test("names that differ in few characters, the nearest first; none where nothing is near", () => {
  const fleet = Array.from({ length: 40 }, (_, unit) => `r17u${String(unit + 1).padStart(2, "0")}`);
  assert.equal(similarAmong("r17u4", fleet, 5)[0], "r17u04");
  assert.deepEqual(similarAmong("R17U40x", fleet, 1), ["r17u40"]);
  assert.equal(similarAmong("r71u04", fleet, 5)[0], "r17u04");
  assert.deepEqual(similarAmong("nobody", fleet, 5), []);
  assert.deepEqual(similarAmong("rak", ["rack", "state", "mac"], 1), ["rack"]);
  assert.deepEqual(similarAmong("x".repeat(10_000), ["a", "x".repeat(64)], 5), ["x".repeat(64)]);
  assert.deepEqual([editDistance("", "abc"), editDistance("abc", "abc"), editDistance("kitten", "sitting")], [3, 0, 3]);
});
