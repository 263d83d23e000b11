import assert from "node:assert/strict";
import { test } from "node:test";
import { scanPauseSeconds } from "./scan-pause.ts";

test("the first scans follow each other at once, then ever longer pauses up to a minute", () => {
  assert.deepEqual([1, 2, 3, 4, 5, 6, 9, 1000].map(scanPauseSeconds), [0, 0, 0, 2, 4, 8, 60, 60]);
});
