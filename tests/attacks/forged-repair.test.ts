import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { test } from "node:test";
import { defaultDeadlineSeconds } from "../../src/core/machine/health/deadlines.ts";
import { defaultWatchRules } from "../../src/core/machine/health/stall-detection.ts";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import { ip } from "../../src/core/net/testing/addresses.ts";
import { asks, birthOf, stillClock, testMac } from "../../src/mdb/testing/fleet.ts";
import { openMemoryStore } from "../../src/mdb/testing/memory-store.ts";
import { openFleetWatch } from "../../src/mdb/watch/fleet-watch.ts";
import { probeAddress } from "../../src/mdb/watch/probe-address.ts";
import { repeatAttack } from "./attack.ts";

const rules = { ...defaultWatchRules, deadlineSeconds: defaultDeadlineSeconds };
const repair = { afterSeconds: 300, rebirths: 2, withinSeconds: 86_400, rebirthsPerHour: 5 };
const log = () => {};
const id = machineIdFromMac(testMac(1));

test("DISCOVERs in the name of a silent machine lead to no wipe, not even when its boot scripts are fetched", async (t) => {
  await repeatAttack(t, 5, async (round) => {
    const clock = stillClock();
    await using store = await openMemoryStore({ clock, log });
    using watch = openFleetWatch({ store, clock, log, rules, repair, probe: async () => "silent" });
    for (const event of [...birthOf(1), { kind: "subSeen", id, fromDisk: true, runningImage: "compute" } as const])
      await store.apply(event);
    for (let minute = 0; minute < 300; minute += 1) {
      clock.pass(60_000);
      if (minute % (round + 3) === 0) {
        await store.apply(asks(1));
        await store.apply({ kind: "orderIssued", id, tokenHash: `forged ${minute}`, expiresAtMs: 1e15 });
      }
      await watch.tick();
    }
    const machine = store.get(id);
    return machine?.state === "healthy" && machine.generation === 1 ? undefined : `it is in ${machine?.state}`;
  });
});

test("a port that is open and one that is closed both prove that a host is there", async (t) => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const open = await probeAddress(ip("127.0.0.1"), port);
  server.close();
  await once(server, "close");
  await repeatAttack(t, 2, async (round) => {
    const found = round === 0 ? open : await probeAddress(ip("127.0.0.1"), port);
    return found === "answers" ? undefined : found;
  });
  assert.equal(open, "answers");
});
