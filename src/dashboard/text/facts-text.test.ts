import assert from "node:assert/strict";
import { test } from "node:test";
import { factsText } from "./facts-text.ts";

test("facts have words for times and durations, brackets for what is nested, and an end", () => {
  const facts = { phase: "burnIn", durationMs: 192_000, order: { generation: 1, takenAtMs: Date.UTC(2026, 10, 30) } };
  assert.equal(
    factsText(facts),
    "phase: burnIn, duration: 3 min 12 s, order: (generation: 1, taken at: 2026-11-30 00:00:00 UTC)",
  );
  assert.equal(factsText({ macs: ["a", "b"], image: null, Ms: 5 }), "macs: a; b, image: none, Ms: 5");
  const names = { createdBy: "ann", expiresAtMs: null, manifestSha512: "ab", readMiBps: 7 };
  assert.equal(factsText(names), "created by: ann, expires at: none, manifest sha512: ab, readMiBps: 7");
  assert.ok(factsText({ text: "x".repeat(5000) }).length < 500);
});
