import assert from "node:assert/strict";
import { test } from "node:test";
import { locationOf } from "../../src/core/machine/location.ts";
import { lldpFrame, mac, rackMachine } from "./machine.ts";
import { openSite } from "./site/site.ts";

/** A birth whose burn-in hangs in its last test that only reads, on a cable with this frame. */
function hangInBurnIn(t: { readonly after: (act: () => void) => void }, frame: Uint8Array) {
  const site = openSite({ config: { burnIn: { cpuSeconds: 1, memoryPercent: 10, diskMiB: 2, networkMiB: 1 } } });
  t.after(site.close);
  const troubles = [{ call: "memoryTest", trouble: { kind: "hangs" } }] as const;
  rackMachine(site).bootInit({ troubles, wire: { lldp: { frames: [frame], everyMs: 500 } } });
  return site.machine(mac);
}

test("a machine whose burn-in has not ended has told where it is: its slot lights up, and nothing is decided", (t) => {
  const machine = hangInBurnIn(t, lldpFrame("tor-1", "swp7"));
  assert.deepEqual([machine.state, machine.burnIn, machine.placement], ["birth", undefined, undefined]);
  assert.deepEqual(locationOf(machine), { rack: "1", unit: "7", switch: "tor-1", port: "swp7" });
});

test("a switch that no placement rule matches is on record before the burn-in ends", (t) => {
  const machine = hangInBurnIn(t, lldpFrame("core-9", "eth1"));
  assert.equal(locationOf(machine), undefined);
  assert.equal(machine.heard?.kind, "unplaced");
  assert.match(
    machine.heard?.kind === "unplaced" ? machine.heard.reason : "",
    /match(es)? switch "core-9" port "eth1"/,
  );
  assert.equal(
    machine.conditions.find(({ kind }) => kind === "conflict"),
    undefined,
  );
});
