import assert from "node:assert/strict";
import { test } from "node:test";
import { comeUp } from "./convergence.ts";
import { bootFromDisk } from "./host/disk-boot.ts";
import { textIn } from "./host/grub.ts";
import type { TroubleRule } from "./host/system/trouble.ts";
import { mac, rackMachine, type TestMachine } from "./machine.ts";
import { openSite } from "./site/site.ts";

const refused = { kind: "fails", errno: "ECONNREFUSED" } as const;
const reset = { kind: "fails", errno: "ECONNRESET" } as const;

/** The first server is dead for machines that are up. */
const deadForAgents: readonly TroubleRule[] = [
  { call: "tcpConnect", about: /^10\.77\.1\.1:(443|80)$/, trouble: refused },
  { call: "tlsWrite", about: /^10\.77\.1\.1:443$/, trouble: reset },
];
/** It dies after a number of requests of init. */
const diesInBirth = (requests: number): readonly TroubleRule[] => [
  ...deadForAgents,
  { call: "tcpConnect", about: /^10\.77\.0\.1:443$/, from: 2, trouble: refused },
  { call: "tlsWrite", about: /^10\.77\.0\.1:443$/, from: requests + 1, trouble: reset },
];

function settingsOn({ board }: TestMachine): { readonly mdb: string; readonly otherMdbs?: readonly string[] } {
  const found = bootFromDisk(board);
  if (found.kind === "nothingToBoot") assert.fail(found.why);
  return JSON.parse(textIn(found.root, "/etc/birther/sub.json") ?? assert.fail("no settings"));
}

for (const requests of [1, 3, 6])
  test(`a server dies for ever after ${requests} requests of a birth: the other one ends it, and the machine is up`, (t) => {
    const site = openSite({ secondServer: "inOrders" });
    t.after(site.close);
    const machine = rackMachine(site);
    const born = machine.boot({ troubles: diesInBirth(requests), minutes: 30 });
    assert.deepEqual(born.end, { kind: "restarted", how: "restart" }, born.kernel.screen.join("\n"));
    assert.match(born.kernel.screen.join("\n"), /the MDB does not answer.*server=10\.77\.0\.2:443/);
    assert.equal(site.machine(mac).generation, 1, "one birth, not two");
    assert.deepEqual(comeUp(machine, { troubles: deadForAgents, minutes: 30 }), { isUp: true, boots: 1, why: "" });
  });

test("a server joins after the birth: machines hear of it in a poll, and find it when the first one is gone", (t) => {
  const site = openSite({ secondServer: "inPolls" });
  t.after(site.close);
  const machine = rackMachine(site);
  assert.equal(comeUp(machine).isUp, true);
  const { mdb, otherMdbs } = settingsOn(machine);
  assert.deepEqual([mdb, otherMdbs], ["10.77.1.1:443", ["10.77.1.2:443"]]);
  const before = site.log(mac).length;
  machine.boot({ troubles: deadForAgents, minutes: 30 });
  const since = site.log(mac).slice(before).join("\n");
  assert.match(since, /the server does not answer; the next one is asked.*10\.77\.1\.1:443.*10\.77\.1\.2:443/);
});

test("machines of one server keep nothing about others", (t) => {
  const site = openSite();
  t.after(site.close);
  const machine = rackMachine(site);
  assert.equal(comeUp(machine).isUp, true);
  assert.equal("otherMdbs" in settingsOn(machine), false);
});
