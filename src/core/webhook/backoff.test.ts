import assert from "node:assert/strict";
import { test } from "node:test";
import { retryDelayMs } from "./backoff.ts";

test("pauses double up to ten minutes", () => {
  assert.deepEqual(
    [1, 2, 3, 11, 99].map((failures) => retryDelayMs(failures, 1)),
    [1000, 2000, 4000, 600_000, 600_000],
  );
});

test("chance spreads a retry over the second half of its pause", () => {
  assert.deepEqual(
    [0, 0.5, 1].map((chance) => retryDelayMs(3, chance)),
    [2000, 3000, 4000],
  );
});
