import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { sharedAnswer } from "./shared-answer.ts";

const validity = { leastMs: 1000, mostMs: 5000 };

/** Answers 1, 2, 3, …; each is made when `ready` says so. */
function counting(ready: Promise<void> = Promise.resolve()) {
  const site = { nowMs: 0, made: 0 };
  const make = async () => {
    site.made += 1;
    await ready;
    return site.made;
  };
  return { site, ask: sharedAnswer(make, validity, () => site.nowMs) };
}

describe("an answer that callers share", () => {
  test("one that is quickly made is valid for the least time", async () => {
    const { site, ask } = counting();
    assert.deepEqual(await Promise.all([ask(), ask()]), [1, 1]);
    site.nowMs = 999;
    assert.equal(await ask(), 1);
    site.nowMs = 1000;
    assert.equal(await ask(), 2);
  });

  test("one that takes long is valid for a hundred times as long, up to the limit", async () => {
    for (const [costMs, validMs] of [
      [20, 2000],
      [400, 5000],
    ] as const) {
      const ready = Promise.withResolvers<void>();
      const { site, ask } = counting(ready.promise);
      const first = ask();
      site.nowMs = costMs;
      ready.resolve();
      assert.equal(await first, 1);
      site.nowMs = validMs - 1;
      assert.equal(await ask(), 1, `${costMs} ms`);
      site.nowMs = validMs;
      assert.equal(await ask(), 2, `${costMs} ms`);
    }
  });

  test("a failure is not kept", async () => {
    let made = 0;
    const make = async () => {
      made += 1;
      if (made === 1) throw new Error("the database is away");
      return made;
    };
    const ask = sharedAnswer(make, validity, () => 0);
    await assert.rejects(ask(), /away/);
    assert.equal(await ask(), 2);
  });
});
