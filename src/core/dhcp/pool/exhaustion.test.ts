import assert from "node:assert/strict";
import { test } from "node:test";
import { type Exhaustion, exhaustionSaidEveryMs, noteRefused } from "./exhaustion.ts";

test("an exhausted pool is said at once and then once a minute, with the count", () => {
  let exhaustion: Exhaustion | undefined;
  const said: [nowMs: number, refused: number][] = [];
  for (let nowMs = 0; nowMs <= 2 * exhaustionSaidEveryMs; nowMs += 1000) {
    const step = noteRefused(exhaustion, nowMs);
    exhaustion = step.exhaustion;
    if (step.say) said.push([nowMs, exhaustion.refused]);
  }
  assert.deepEqual(said, [
    [0, 1],
    [60_000, 61],
    [120_000, 121],
  ]);
  assert.equal(exhaustion?.sinceMs, 0);
});
