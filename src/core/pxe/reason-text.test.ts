import assert from "node:assert/strict";
import { test } from "node:test";
import { reasonCounts } from "./reason-text.ts";

test("counts are in words, the largest first, and a newer server's kinds keep their names", () => {
  const counts = { infiniBand: 3, released: 12_345, leaseQuery: 3, toString: 1 };
  assert.equal(reasonCounts(counts, "-"), "12,345 releases, 3 over InfiniBand, 3 leaseQuery, 1 toString");
  assert.equal(reasonCounts({}, "-"), "-");
});
