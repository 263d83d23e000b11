import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesText, countText, durationText, timeText } from "./time.ts";

test("times name their zone", () => {
  const atMs = Date.UTC(2026, 10, 30, 9, 41, 12);
  assert.equal(timeText(atMs, "UTC"), "2026-11-30 09:41:12 UTC");
  assert.match(timeText(atMs, "local"), /^2026-1\d-\d\d \d\d:\d\d:12 [+-]\d\d:\d\d$/);
});

test("durations, sizes and counts have the units that fit them", () => {
  assert.deepEqual([0, 59_400, 192_000, 7_500_000, 357_000_000].map(durationText), [
    "0 s",
    "59 s",
    "3 min 12 s",
    "2 h 05 min",
    "4 d 3 h",
  ]);
  assert.deepEqual([0, 1023, 1536, 50 * 1024 ** 2, 3 * 1024 ** 4].map(bytesText), [
    "0 B",
    "1023 B",
    "1.5 KiB",
    "50 MiB",
    "3.0 TiB",
  ]);
  assert.equal(countText(4000), "4,000");
});
