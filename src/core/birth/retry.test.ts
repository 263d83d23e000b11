import assert from "node:assert/strict";
import { test } from "node:test";
import { meaningOf, nextTry, pauseMsOf, readRetryAfter } from "./retry.ts";

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

test("pauses double up to ten seconds, and end when the time is up", () => {
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

for (const [header, own, expected] of [
  [undefined, 500, 500],
  ["3", 500, 3000],
  ["0", 500, 500],
  ["99999", 500, 60_000],
  ["Wed, 21 Oct 2015 07:28:00 GMT", 500, 500],
  ["-1", 500, 500],
] as const) {
  test(`Retry-After ${header}: a pause of ${expected} ms`, () =>
    assert.equal(pauseMsOf(own, readRetryAfter(header)), expected));
}
