import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { checkFleet } from "../../core/machine/check.ts";
import { announcedId } from "../../core/machine/life/details.ts";
import { machineIdFromMac } from "../../core/machine/life/move.ts";
import { silentBeforeTakeoverMs } from "../../core/machine/life/takeover.ts";
import type { Clock, Store } from "../../core/ports.ts";
import { asks, birthOf, stillClock, testMac } from "./fleet.ts";

const idOf = (n: number) => machineIdFromMac(testMac(n));
const by = "op";

/**
 * Requirements of every Store for changes that concern two machines: each is one change. `open` opens the same database
 * each time.
 */
export function fleetChangesSuite(
  name: string,
  place: () => { readonly open: (clock: Clock) => Promise<Store & AsyncDisposable> },
): void {
  describe(`changes that concern two machines are one change: ${name}`, () => {
    test("a takeover: the old record is retired and the new machine has its name, also after reopening", async () => {
      const { open } = place();
      const clock = stillClock();
      {
        await using store = await open(clock);
        for (const event of birthOf(1)) await store.apply(event);
        await store.apply(asks(2));
        clock.pass(silentBeforeTakeoverMs);
        const heard: string[] = [];
        store.watch(({ machine }) => heard.push(machine.id));
        const decision = await store.apply({ kind: "takeoverAuthorised", id: idOf(2), from: idOf(1), by });
        assert.equal(decision.kind, "changed");
        assert.deepEqual(heard, [idOf(1), idOf(2)], "first who loses something");
      }
      await using again = await open(clock);
      assert.equal(again.find("r01u1")?.id, idOf(2));
      assert.deepEqual(
        again.get(idOf(1))?.conditions.map(({ kind }) => kind),
        ["retired"],
      );
      assert.equal(again.find("10.77.1.1"), undefined);
      assert.deepEqual(checkFleet(again.list()), []);
      const audited = await again.audit({ limit: 10 });
      assert.deepEqual(
        [...new Set(audited.map(({ by: who, action }) => `${who} ${action}`))],
        ["op takeoverAuthorised"],
      );
    });

    test("an announcement passes to the machine that arrives in its slot, and its own record is removed", async () => {
      const { open } = place();
      const clock = stillClock();
      const switchPort = { switchName: "tor-1", port: "swp1" };
      const announced = announcedId([], switchPort) ?? assert.fail();
      {
        await using store = await open(clock);
        const said = { tags: { role: "web" }, requiredImage: "db/3" };
        await store.apply({ kind: "machineCreated", id: announced, by, macs: [], place: switchPort, ...said });
        assert.equal(store.find(announced)?.id, announced);
        for (const event of birthOf(1)) assert.equal((await store.apply(event)).kind, "changed", event.kind);
      }
      await using again = await open(clock);
      assert.deepEqual(
        again.list().map(({ id, tags, requiredImage }) => [id, tags, requiredImage]),
        [[idOf(1), { role: "web" }, "db/3"]],
      );
    });
  });
}
