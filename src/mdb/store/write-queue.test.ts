import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { Journal } from "../journal/journal.ts";
import { storeOn } from "../open-store.ts";
import { asks, stillClock } from "../testing/fleet.ts";

/** A journal that only records the number of changes in each transaction. */
function countingJournal(): { readonly journal: Journal; readonly transactions: number[] } {
  const transactions: number[] = [];
  const unused = async () => assert.fail("not asked in this test");
  const journal: Journal = {
    load: async () => ({ position: 0, machines: [], unreadable: [], documents: [] }),
    commit: async ({ since, entries }) => {
      transactions.push(entries().length);
      return since();
    },
    ...{ remoteChangesSince: unused, changesSince: unused, history: unused, audit: unused, backup: unused },
    [Symbol.asyncDispose]: async () => undefined,
  };
  return { journal, transactions };
}

/** More turns of the event loop than any transaction above takes. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await setImmediate();
}

test("after a transaction with several changes the next one waits for more; a single change does not wait", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { journal, transactions } = countingJournal();
  const store = await storeOn({ journal, clock: stillClock(), log: () => undefined });
  let last = 0;
  const ask = (count: number) => Promise.all(Array.from({ length: count }, () => store.apply(asks(++last))));

  for (let n = 0; n < 5; n += 1) await ask(1);
  assert.deepEqual(transactions.splice(0), [1, 1, 1, 1, 1]);

  await ask(10);
  const scattered: Promise<unknown>[] = [];
  for (let n = 0; n < 20; n += 1) {
    scattered.push(ask(1));
    await setImmediate();
  }
  await turns();
  assert.deepEqual(transactions.splice(0), [10], "the twenty wait");
  t.mock.timers.tick(5);
  await Promise.all(scattered);
  assert.deepEqual(transactions.splice(0), [20]);

  await ask(64);
  assert.deepEqual(transactions.splice(0), [64], "a full batch waits no longer");
  const few = ask(2);
  await turns();
  t.mock.timers.tick(5);
  await few;
  await ask(1);
  assert.deepEqual(transactions, [2, 1], "the pause ends when no more changes come");
});
