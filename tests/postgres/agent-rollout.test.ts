import assert from "node:assert/strict";
import { after, test } from "node:test";
import { agentProtocol } from "../../src/core/image/filter.ts";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import type { MachineId } from "../../src/core/machine/record.ts";
import type { Clock, Store } from "../../src/core/ports.ts";
import { openAgentUpgrades } from "../../src/dominator/sub/agent-upgrades.ts";
import { storeOn } from "../../src/mdb/open-store.ts";
import { openPostgresJournal } from "../../src/mdb/postgres/journal.ts";
import { birthOf, stillClock, testMac, until } from "../../src/mdb/testing/fleet.ts";
import { startPostgres } from "./postgres-server.ts";

const log = () => {};
const server = await startPostgres();
after(() => server[Symbol.asyncDispose]());

const clock: Clock = { ...stillClock(), monotonicMs: () => performance.now() };
const openOn = async (place: string) =>
  storeOn({ journal: await openPostgresJournal({ url: place, clock, log, pollMs: 100, retryMs: 5000 }), clock, log });

const [former, version] = ["1".repeat(32), "2".repeat(32)];

/** The agent upgrades of a server process; tells whether a machine that polls it gets the offer. */
function process(store: Store) {
  const bundle = { version, files: [] };
  const upgrades = openAgentUpgrades({ bundle, store, clock, log });
  return async (id: MachineId, agent: string) => {
    const poll = {
      ...({ protocol: agentProtocol, machineId: id, running: "image", kernel: "6", rebootPending: false } as const),
      ...{ secondsSinceCheck: 0, freeBytes: 1e9, agent: { version: agent } },
    };
    await upgrades.noteSeen(store.get(id) ?? assert.fail(id), poll);
    const isOffered = (await upgrades.upgradeFor(id, poll)) !== undefined;
    await store.apply({ kind: "subSeen", id, fromDisk: true, agent: { version: agent } });
    return isOffered;
  };
}

test("two servers on one PostgreSQL bring an agent to their machines as one server would", async () => {
  const place = await server.createDatabase();
  await using one = await openOn(place);
  await using two = await openOn(place);
  const ids = Array.from({ length: 16 }, (_, n) => machineIdFromMac(testMac(n + 1)));
  await Promise.all(
    ids.map(async (_, n) => {
      for (const event of birthOf(n + 1)) await one.apply(event);
    }),
  );
  await until("both know the machines", () => two.list().length === ids.length);
  const servers = [process(one), process(two)] as const;
  const upgraded = new Set<MachineId>();
  const waves: number[] = [];
  while (upgraded.size < ids.length) {
    // Each machine polls the server of its network, all at once.
    const offered = await Promise.all(
      ids.map((id, n) => servers[n % 2 === 0 ? 0 : 1](id, upgraded.has(id) ? version : former)),
    );
    const wave = ids.filter((_, n) => offered[n]);
    assert.ok(wave.length > 0, `expected an offer, found none after ${waves}`);
    waves.push(wave.length);
    for (const id of wave) upgraded.add(id);
    // They come back with the new version, and both servers hear of it.
    await Promise.all(wave.map((id) => servers[ids.indexOf(id) % 2 === 0 ? 0 : 1](id, version)));
    await until("both have heard", () => one.position() === two.position());
  }
  assert.deepEqual(waves, [1, 1, 2, 4, 8]);
});
