import assert from "node:assert/strict";
import { test } from "node:test";
import { machineIdFromMac } from "../../../core/machine/life/move.ts";
import { asks, stillClock, testMac } from "../../testing/fleet.ts";
import { openMemoryStore } from "../../testing/memory-store.ts";
import { idOrder } from "./id-order.ts";

test("machines are in the order of their ids, including new ones without a notification", async () => {
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
  const ids = async (after = "") => [...(await inOrder(after))].map(({ id }) => id);
  const expected = (...numbers: number[]) => numbers.map((n) => machineIdFromMac(testMac(n)));
  for (const n of [5, 1, 9]) await store.apply(asks(n));
  assert.deepEqual(await ids(), expected(1, 5, 9));
  assert.deepEqual(await ids(machineIdFromMac(testMac(4))), expected(5, 9));
  assert.deepEqual(await ids(machineIdFromMac(testMac(5))), expected(9));
  await store.apply(asks(3));
  assert.deepEqual(await ids(), expected(1, 3, 5, 9));
  silent = true;
  await store.apply(asks(7));
  assert.deepEqual(await ids(machineIdFromMac(testMac(3))), expected(5, 7, 9));
});

test("a machine added between two pages is not shown twice and hides no other; an absorbed one is gone", async () => {
  await using store = await openMemoryStore({ clock: stillClock(), log: () => {} });
  for (const n of [2, 4, 6]) await store.apply(asks(n));
  const inOrder = idOrder(store);
  const shown: string[] = [];
  for (const { id } of await inOrder("")) {
    shown.push(id);
    if (shown.length === 1) for (const n of [1, 5]) await store.apply(asks(n));
  }
  assert.deepEqual(
    shown,
    [2, 4, 5, 6].map((n) => machineIdFromMac(testMac(n))),
  );
});
