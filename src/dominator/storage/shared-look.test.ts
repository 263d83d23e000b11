import assert from "node:assert/strict";
import { test } from "node:test";
import { sharedLook } from "./shared-look.ts";

/** Looks at a number that the test changes; each waits for its latch after it has looked. */
function counted() {
  const site = { now: 0, looks: 0, seen: -1, latches: [] as PromiseWithResolvers<void>[] };
  const ask = sharedLook(async () => {
    site.looks += 1;
    const found = site.now;
    const latch = Promise.withResolvers<void>();
    site.latches.push(latch);
    await latch.promise;
    site.seen = found;
  });
  /** Resolves when this many have begun. */
  const begun = async (looks: number) => {
    while (site.looks < looks) await Promise.resolve();
  };
  return { site, ask, begun };
}

test("who asks while a look is under way sees what was there when asking; all who wait share one look", async () => {
  const { site, ask, begun } = counted();
  const first = ask();
  site.now = 1;
  const later = Array.from({ length: 1000 }, ask);
  site.latches[0]?.resolve();
  await first;
  assert.equal(site.seen, 0);
  await begun(2);
  site.latches[1]?.resolve();
  await Promise.all(later);
  assert.deepEqual([site.seen, site.looks], [1, 2]);
});

test("a look that fails is not the answer to those who wait for the next one", async () => {
  const { site, ask, begun } = counted();
  const first = ask();
  const second = ask();
  site.latches[0]?.reject(new Error("the disk is away"));
  await assert.rejects(first, /away/);
  await begun(2);
  site.latches[1]?.resolve();
  await second;
  const third = ask();
  site.latches[2]?.resolve();
  await third;
  assert.equal(site.looks, 3);
});
