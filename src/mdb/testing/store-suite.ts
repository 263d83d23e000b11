import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { machineIdFromMac } from "../../core/machine/life/move.ts";
import { ip } from "../../core/net/testing/addresses.ts";
import type { Change } from "../../core/ports.ts";

import { asks, birthOf, stillClock, testMac, until } from "./fleet.ts";
import { type Place, storeKeeps } from "./store-keeps.ts";

/**
 * Requirements of every Store, on any database. `open` opens the same database each time, and `forget` ends a test's
 * database; a Store that keeps nothing (memory) sets `keeps: false`.
 */
export function storeSuite(name: string, place: () => Place): void {
  describe(`store: ${name}`, () => {
    test("a machine is found by id, MAC address, name and address, in any notation", async () => {
      await using store = await place().open(stillClock());
      for (const event of birthOf(1)) assert.equal((await store.apply(event)).kind, "changed");
      const machine = store.byMac(testMac(1));
      assert.ok(machine);
      for (const text of [machine.id, "r01u1", "R01U1", testMac(1), "02-00-00-00-00-01", "10.77.1.1"]) {
        assert.equal(store.find(text)?.id, machine.id, text);
      }
      assert.equal(store.byAddress(ip("10.77.1.1")), machine);
      assert.equal(store.get(machine.id), machine);
      assert.equal(store.find("r01u2"), undefined);
      assert.deepEqual(store.list(), [machine]);
    });

    test("simultaneous events are decided one after the other", async () => {
      await using store = await place().open(stillClock());
      const decisions = await Promise.all([1, 2, 3].map((n) => store.apply(asks(n, ip("10.77.0.50")))));
      assert.deepEqual(
        decisions.map((decision) => decision.kind),
        ["changed", "refused", "refused"],
      );
      await Promise.all(Array.from({ length: 100 }, () => store.apply(asks(1))));
      assert.equal(store.byMac(testMac(1))?.pxe.requests, 101);
    });

    test("a refusal that sets a condition is stored; any other changes nothing", async () => {
      await using store = await place().open(stillClock());
      for (const event of birthOf(1)) await store.apply(event);
      const id = machineIdFromMac(testMac(1));
      await store.apply({ kind: "subSeen", id, runningImage: "compute" });
      const healthy = store.byMac(testMac(1));
      const refusal = await store.apply({ kind: "orderIssued", id, tokenHash: "x", expiresAtMs: 9e12 });
      assert.equal(refusal.kind === "refused" && refusal.refusal.kind, "staleOrder");
      assert.equal(store.get(id), healthy);
      assert.match(store.log(id).join(), /refused orderIssued/);
      await store.apply(asks(2));
      const placement = { ...(healthy?.placement ?? assert.fail()) };
      await store.apply({ kind: "placed", id: machineIdFromMac(testMac(2)), placement });
      assert.equal(store.byMac(testMac(2))?.conditions[0]?.kind, "conflict");
    });

    test("watchers receive each change when it is durable, in order, until they unsubscribe", async () => {
      await using store = await place().open(stillClock());
      const heard: Change[] = [];
      const end = store.watch((change) => heard.push(change));
      store.watch(() => {
        throw new Error("a broken watcher hurts nobody");
      });
      for (const event of birthOf(1)) await store.apply(event);
      end();
      await store.apply(asks(1));
      assert.deepEqual(
        heard.map(({ event, machine }) => [event.kind, machine.revision]),
        [
          ["pxeAsked", 1],
          ["orderIssued", 2],
          ["orderTaken", 3],
          ["becameHealthy", 4],
        ],
      );
    });

    test("history returns the last events of one machine, newest last", async () => {
      const clock = stillClock();
      await using store = await place().open(clock);
      for (const event of [...birthOf(1), ...birthOf(2)]) {
        clock.pass(1000);
        await store.apply(event);
      }
      const history = await store.history(machineIdFromMac(testMac(1)), 2);
      assert.deepEqual(
        history.map(({ event, machine, atMs }) => [event.kind, machine.state, atMs]),
        [
          ["orderTaken", "birth", 1_003_000],
          ["becameHealthy", "healthy", 1_004_000],
        ],
      );
    });

    test("history and log are bounded", async () => {
      await using store = await place().open(stillClock());
      await Promise.all(Array.from({ length: 1300 }, () => store.apply(asks(1))));
      const id = machineIdFromMac(testMac(1));
      assert.equal((await store.history(id, 10_000)).length, 1000);
      store.addLog(
        id,
        Array.from({ length: 2500 }, (_, line) => `${line} ${"x".repeat(9999)}`),
      );
      assert.equal(store.log(id).length, 1000);
      assert.match(store.log(id).at(-1) ?? "", /^2499 x{495}$/);
    });

    test("a machine that has changed meanwhile is not changed", async () => {
      await using store = await place().open(stillClock());
      const id = machineIdFromMac(testMac(1));
      await store.apply(asks(1));
      const hold = { kind: "conditionSet", id, condition: "hold", reason: "mine" } as const;
      const both = [
        store.apply(hold, { expectRevision: 1 }),
        store.apply({ ...hold, reason: "his" }, { expectRevision: 1 }),
      ];
      const decisions = await Promise.all(both);
      assert.equal(decisions[0]?.kind, "changed");
      assert.equal(decisions[1]?.kind === "refused" && decisions[1].refusal.kind, "changedMeanwhile");
      assert.equal(store.get(id)?.conditions[0]?.reason, "mine");
    });

    test("a repeated request waits until the first one is durable", async () => {
      await using store = await place().open(stillClock());
      await store.apply(asks(1));
      const id = machineIdFromMac(testMac(1));
      let durable = 0;
      store.watch(() => durable++);
      const seen = { kind: "phaseSeen", id, phase: "loaderSent" } as const;
      const first = store.apply(seen);
      await store.apply(seen);
      assert.equal(durable, 1);
      await first;
    });

    test("one process leads, until it is closed", async () => {
      const store = await place().open(stillClock());
      await until("the store leads", store.leads);
      await store[Symbol.asyncDispose]();
      assert.equal(store.leads(), false);
    });
  });
  describe(`store: ${name}, opened again`, () => storeKeeps(place));
}
