import assert from "node:assert/strict";
import { test } from "node:test";
import { currentProgress, describeProgress, type NotedProgress } from "./work-progress.ts";

const noted: NotedProgress = { what: "fetch", done: 5, total: 4, atMs: 1000 };

test("progress counts until the machine reaches another phase, and never exceeds its total", () => {
  assert.deepEqual(currentProgress({ phaseAtMs: 1000 }, noted), { ...noted, done: 4 });
  assert.deepEqual(currentProgress({}, noted)?.done, 4);
  assert.equal(currentProgress({ phaseAtMs: 1001 }, noted), undefined);
  assert.equal(currentProgress({}, { ...noted, total: 0 }), undefined);
  assert.equal(currentProgress({}, undefined), undefined);
});

test("progress as text: 100 % only if all is done", () => {
  const [mib, gib] = [2 ** 20, 2 ** 30];
  assert.equal(
    describeProgress({ what: "fetch", done: 412 * mib, total: 1.25 * gib }),
    "fetching 412 MiB of 1.3 GiB (32 %)",
  );
  assert.equal(describeProgress({ what: "update", done: 999, total: 1000 }), "updating 999 of 1000 steps (99 %)");
  assert.equal(describeProgress({ what: "burnIn", done: 2, total: 5 }), "burn-in 2 of 5 tests");
});
