import assert from "node:assert/strict";
import { test } from "node:test";
import { colourOf, scoresOf } from "./colours.ts";

const row = { id: "m-1", name: "r1u2", status: "up", phase: "up", conditions: 0 } as const;

test("a machine is as its siblings only once the figures are there, and only with none far from theirs", () => {
  const of = (scores: ReadonlyMap<string, number> | undefined) =>
    colourOf(row, "burn-in", { nowMs: 0, images: [], scores });
  assert.equal(of(undefined), "none", "the figures are being read");
  assert.equal(of(new Map()), "up");
  assert.equal(of(new Map([["r1u2", 3.5]])), "burnIn");
  assert.equal(of(scoresOf([{ name: "r1u2", subject: "/dev/sda", value: 1, score: -27 }])), "image");
});
