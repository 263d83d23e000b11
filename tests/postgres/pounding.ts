import assert from "node:assert/strict";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import type { Clock, Store } from "../../src/core/ports.ts";
import { storeOn } from "../../src/mdb/open-store.ts";
import { openPostgresJournal } from "../../src/mdb/postgres/journal.ts";
import { asks, testMac } from "../../src/mdb/testing/fleet.ts";

const realClock: Clock = { nowMs: Date.now, monotonicMs: () => performance.now() };

/** A store on a PostgreSQL that will fail: it waits long for it, and polls often. */
export async function retryingStore(place: string, retryMs = 60_000): Promise<Store & AsyncDisposable> {
  const log = () => {};
  const journal = await openPostgresJournal({ url: place, clock: realClock, log, retryMs, pollMs: 200 });
  return storeOn({ journal, clock: realClock, log });
}

/** Writers that never stop: each machine sends its next request as soon as its last one is acknowledged. */
export type Pounding = {
  /** Acknowledged requests so far. */
  readonly done: () => number;
  /** Resolves after at least this many more acknowledgements. */
  readonly more: (requests: number) => Promise<void>;
  /** Stops them; returns the acknowledged requests of each machine. */
  readonly end: () => Promise<ReadonlyMap<number, number>>;
};

/** Sends requests of these machines, on these stores in turn. A refused request fails the test. */
export function pound(stores: readonly Store[], machines: readonly number[]): Pounding {
  const acknowledged = new Map<number, number>(machines.map((n) => [n, 0]));
  let ended = false;
  const writers = machines.map(async (n) => {
    for (let turn = n; !ended; turn++) {
      const store = stores[turn % stores.length] ?? assert.fail();
      const { kind } = await store.apply(asks(n));
      assert.equal(kind, "changed");
      acknowledged.set(n, (acknowledged.get(n) ?? 0) + 1);
    }
  });
  // Awaited when they are stopped; until then they must not count as unhandled.
  const all = Promise.all(writers);
  all.catch(() => undefined);
  const done = () => [...acknowledged.values()].reduce((sum, count) => sum + count, 0);
  return {
    done,
    more: async (requests) => {
      const goal = done() + requests;
      const limit = performance.now() + 90_000;
      while (done() < goal) {
        if (performance.now() > limit) throw new Error(`expected ${goal - done()} more requests within 90 s`);
        await Promise.race([all, new Promise((resolve) => setTimeout(resolve, 10))]);
      }
    },
    end: async () => {
      ended = true;
      await all;
      return acknowledged;
    },
  };
}

/**
 * Throws unless a database holds exactly the acknowledged requests: nothing lost or duplicated, no gap in the order.
 */
export async function checkPounded(place: string, acknowledged: ReadonlyMap<number, number>): Promise<void> {
  await using store = await retryingStore(place);
  let all = 0;
  for (const [n, count] of acknowledged) {
    const machine = store.byMac(testMac(n));
    assert.deepEqual([n, machine?.pxe.requests, machine?.revision], [n, count, count]);
    const history = await store.history(machineIdFromMac(testMac(n)), 1000);
    const revisions = history.map(({ machine: { revision } }) => revision);
    assert.deepEqual(
      revisions,
      revisions.map((_, index) => (revisions[0] ?? 0) + index),
      `machine ${n}: each revision once`,
    );
    all += count;
  }
  assert.equal(store.position(), all);
}
