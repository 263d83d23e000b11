import assert from "node:assert/strict";
import { test } from "node:test";
import { readSince } from "./since.ts";

test("ages and times are read; anything else is refused with what was expected", () => {
  const nowMs = Date.parse("2026-03-01T12:00:00Z");
  assert.equal(readSince("90s", nowMs), nowMs - 90_000);
  assert.equal(readSince("2d", nowMs), nowMs - 172_800_000);
  assert.equal(readSince("2026-03-01T08:00:00Z", nowMs), nowMs - 4 * 3_600_000);
  assert.equal(readSince("2026-03-01 08:00", nowMs), new Date(2026, 2, 1, 8).getTime());
  for (const wrong of ["", "1", "h", "1w", "yesterday", "2026-13-01"])
    assert.throws(() => readSince(wrong, nowMs), /--since: expected an age such as/, wrong);
});
