import assert from "node:assert/strict";
import { test } from "node:test";
import { spansOf } from "./spans.ts";

test("a phase lasts until the next one, or as long as the machine measured; the last one until now", () => {
  const spans = spansOf(
    [
      { phase: "initUp", atMs: 1000 },
      { phase: "burnIn", atMs: 3000, durationMs: 500, detail: "passed" },
      { phase: "placed", atMs: 9000 },
    ],
    10_000,
  );
  assert.deepEqual(
    spans.map(({ phase, durationMs, isOpen }) => [phase, durationMs, isOpen]),
    [
      ["initUp", 2000, false],
      ["burnIn", 500, false],
      ["placed", 1000, true],
    ],
  );
  assert.deepEqual(spansOf([{ phase: "up", atMs: 5 }], undefined), [
    { phase: "up", atMs: 5, durationMs: 0, isOpen: false },
  ]);
});
