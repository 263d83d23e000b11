import assert from "node:assert/strict";
import { test } from "node:test";
import { machineIdFromMac } from "../../../core/machine/life/move.ts";
import { openMemoryStore } from "../../testing/memory-store.ts";
import { asks, stillClock, testMac } from "../../testing/store-suite.ts";
import { idOrder } from "./id-order.ts";

test("machines in the order of their ids, newcomers too, also those that nobody was told of", async () => {
  await using store = await openMemoryStore({ clock: stillClock(), log: () => {} });
  let silent = false;
  const inOrder = idOrder({
    list: store.list,
    get: store.get,
    watch: (listener) =>
      store.watch((change) => {
        if (!silent) listener(change);
      }),
  });
  const ids = (after = "") => [...inOrder(after)].map(({ id }) => id);
  const expected = (...numbers: number[]) => numbers.map((n) => machineIdFromMac(testMac(n)));
  for (const n of [5, 1, 9]) await store.apply(asks(n));
  assert.deepEqual(ids(), expected(1, 5, 9));
  assert.deepEqual(ids(machineIdFromMac(testMac(4))), expected(5, 9));
  assert.deepEqual(ids(machineIdFromMac(testMac(5))), expected(9));
  await store.apply(asks(3));
  assert.deepEqual(ids(), expected(1, 3, 5, 9));
  silent = true;
  await store.apply(asks(7));
  assert.deepEqual(ids(machineIdFromMac(testMac(3))), expected(5, 7, 9));
});
