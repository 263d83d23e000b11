import assert from "node:assert/strict";
import { test } from "node:test";
import { meaningOf, nextTry } from "./retry.ts";

const statuses: readonly (readonly [status: number, meaning: ReturnType<typeof meaningOf>])[] = [
  [200, "answered"],
  [503, "later"],
  [500, "later"],
  [429, "later"],
  [400, "refused"],
  [401, "refused"],
  [409, "refused"],
];
for (const [status, meaning] of statuses) {
  test(`status ${status} means ${meaning}`, () => assert.equal(meaningOf(status), meaning));
}

test("pauses double up to ten seconds, and end when patience does", () => {
  const pauses: number[] = [];
  let elapsedMs = 0;
  for (let failures = 1; ; failures += 1) {
    const next = nextTry(failures, elapsedMs, 60_000);
    if (next.kind === "giveUp") break;
    pauses.push(next.pauseMs);
    elapsedMs += next.pauseMs;
  }
  assert.deepEqual(pauses, [500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000, 10_000]);
});
