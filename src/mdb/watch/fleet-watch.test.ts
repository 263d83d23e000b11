import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { defaultDeadlineSeconds } from "../../core/machine/health/deadlines.ts";
import type { Presence, RepairPolicy } from "../../core/machine/health/repair.ts";
import { defaultWatchRules } from "../../core/machine/health/stall-detection.ts";
import { machineIdFromMac } from "../../core/machine/life/move.ts";
import type { Clock, Store } from "../../core/ports.ts";
import { asks, birthOf, stillClock, testMac } from "../testing/fleet.ts";
import { openMemoryStore } from "../testing/memory-store.ts";
import { openAgenda } from "./agenda.ts";
import { type FleetWatch, openFleetWatch } from "./fleet-watch.ts";

const rules = { ...defaultWatchRules, deadlineSeconds: defaultDeadlineSeconds };
const log = () => {};
const id = machineIdFromMac(testMac(1));
const failing = (store: Store) => store.get(id)?.conditions.find(({ kind }) => kind === "failing")?.reason;
const up = { kind: "subSeen", id, runningImage: "compute" } as const;

describe("the fleet watch", () => {
  test("reports a phase that passes its deadline, and its end", async () => {
    const clock = stillClock();
    await using store = await openMemoryStore({ clock, log });
    using watch = openFleetWatch({ store, clock, log, rules });
    await store.apply(asks(1));
    clock.pass(defaultDeadlineSeconds.offered * 1000 - 1000);
    await watch.tick();
    assert.equal(failing(store), undefined);
    clock.pass(2000);
    await watch.tick();
    assert.match(failing(store) ?? "", /phase offered/);
    await store.apply({ kind: "phaseSeen", id, phase: "loaderSent" });
    await watch.tick();
    assert.equal(failing(store), undefined);
  });

  test("does not count silence from before its start, or from before the clock was set", async () => {
    let setMs = 0;
    const steady = stillClock();
    const clock: Clock = { nowMs: () => steady.nowMs() + setMs, monotonicMs: steady.monotonicMs };
    await using store = await openMemoryStore({ clock, log });
    for (const event of [...birthOf(1), up]) await store.apply(event);
    steady.pass(86_400_000);
    using watch = openFleetWatch({ store, clock, log, rules });
    await watch.tick();
    assert.equal(failing(store), undefined, "the server was away");
    setMs = 3_600_000;
    await watch.tick();
    assert.equal(failing(store), undefined, "the clock was set");
    steady.pass(defaultDeadlineSeconds.up * 1000 + 1000);
    await watch.tick();
    assert.match(failing(store) ?? "", /has not polled for/);
  });

  const repair: RepairPolicy = { afterSeconds: 600, rebirths: 1, withinSeconds: 86_400, rebirthsPerHour: 1 };
  /** A healthy machine that restarts and restarts without its sub. */
  const lose = async (store: Store, clock: ReturnType<typeof stillClock>) => {
    for (const event of [...birthOf(1), up]) await store.apply(event);
    for (let boots = 0; boots < 4; boots += 1) {
      clock.pass(1_200_000);
      await store.apply({ ...asks(1), answer: "local" });
    }
  };

  test("without a policy, a failing machine is never touched", async () => {
    const clock = stillClock();
    await using store = await openMemoryStore({ clock, log });
    using watch = openFleetWatch({ store, clock, log, rules });
    await lose(store, clock);
    for (let day = 0; day < 30; day += 1) {
      clock.pass(86_400_000);
      await watch.tick();
    }
    assert.deepEqual([store.get(id)?.state, failing(store)?.slice(0, 7)], ["healthy", "started"]);
  });

  const ticks = async (watch: FleetWatch, clock: ReturnType<typeof stillClock>, count: number) => {
    for (let n = 0; n < count; n += 1) {
      clock.pass(60_000);
      await watch.tick();
    }
  };
  /** The real machine boots the network: its init presents the token of its boot script. */
  const proves = async (store: Store, token: string) => {
    await store.apply(asks(1));
    await store.apply({ kind: "orderIssued", id, tokenHash: token, expiresAtMs: 1e15 });
    const { kind } = await store.apply({
      ...{ kind: "orderTaken", id, mac: testMac(1), tokenHash: token, bootId: token, sessionHash: token },
    });
    assert.equal(kind, "refused", "nothing is installed by it");
  };

  test("with a policy, a lost machine is sent to rebirth once it proved its boots, recorded as done by the policy", async () => {
    const clock = stillClock();
    await using store = await openMemoryStore({ clock, log });
    const probed: number[] = [];
    const probe = async (address: number): Promise<Presence> => {
      probed.push(address);
      return "silent";
    };
    using watch = openFleetWatch({ store, clock, log, rules, repair, probe });
    await lose(store, clock);
    await ticks(watch, clock, 60);
    assert.deepEqual([store.get(id)?.state, store.get(id)?.repair?.trial?.asked], ["healthy", true]);
    for (const token of ["one", "two"]) {
      await proves(store, token);
      await ticks(watch, clock, 60);
    }
    assert.deepEqual([store.get(id)?.state, store.get(id)?.generation], ["rebirth", 2]);
    assert.ok(probed.length >= 3 && probed.every((address) => address === store.get(id)?.permanentAddress));
    const [entry] = await store.audit({ subject: id, limit: 1 });
    assert.deepEqual([entry?.by, entry?.action], ["policy", "repairStepped"]);
  });

  for (const found of ["answers", "unknown"] as const)
    test(`a machine whose address probes as "${found}" is left alone`, async () => {
      const clock = stillClock();
      await using store = await openMemoryStore({ clock, log });
      using watch = openFleetWatch({ store, clock, log, rules, repair, probe: async () => found });
      await lose(store, clock);
      await ticks(watch, clock, 120);
      assert.deepEqual([store.get(id)?.state, store.get(id)?.repair], ["healthy", undefined]);
    });

  test("many lost machines: the fleet is counted once for all of them, and no more than the hourly limit are sent to rebirth", async () => {
    const clock = stillClock();
    await using store = await openMemoryStore({ clock, log });
    let walks = 0;
    const counted: Store = {
      ...store,
      list: () => {
        walks += 1;
        return store.list();
      },
    };
    const probe = async (): Promise<Presence> => "silent";
    const policy = { ...repair, rebirthsPerHour: 3 };
    using watch = openFleetWatch({ store: counted, clock, log, rules, repair: policy, probe });
    for (let n = 1; n <= 80; n += 1) for (const event of birthOf(n)) await store.apply(event);
    const healthy = Array.from({ length: 70 }, (_, n) => machineIdFromMac(testMac(n + 11)));
    const sentAway = () => store.list().filter(({ state }) => state === "rebirth").length;
    const before = walks;
    for (let n = 0; n < 90 && sentAway() === 0; n += 1) {
      for (const id of healthy) await store.apply({ ...up, id });
      clock.pass(300_000);
      await watch.tick();
    }
    assert.equal(sentAway(), 3);
    assert.ok(walks - before <= 3, `expected the fleet to be walked once, found ${walks - before} times`);
  });

  test("acts only while this server is the lead", async () => {
    const clock = stillClock();
    await using store = await openMemoryStore({ clock, log });
    let leads = false;
    using watch = openFleetWatch({ store: { ...store, leads: () => leads }, clock, log, rules });
    await store.apply(asks(1));
    clock.pass(86_400_000);
    await watch.tick();
    assert.equal(failing(store), undefined);
    leads = true;
    clock.pass(61_000);
    await watch.tick();
    assert.match(failing(store) ?? "", /phase offered/);
  });
});

test("the agenda returns each machine once, at its earliest time, however often it was noted", () => {
  const agenda = openAgenda();
  const [one, two] = [machineIdFromMac(testMac(1)), machineIdFromMac(testMac(2))];
  agenda.note(one, 9000);
  agenda.note(one, 5000);
  agenda.note(one, 7000);
  agenda.note(two, 5000);
  assert.deepEqual([agenda.due(4999, 9), agenda.size()], [[], 2]);
  assert.deepEqual([...agenda.due(5000, 1), ...agenda.due(5000, 9)].sort(), [one, two]);
  assert.deepEqual([agenda.due(20_000, 9), agenda.size()], [[], 0]);
  agenda.note(one, 9500);
  assert.deepEqual(agenda.due(20_000, 9), [one]);
});
