import assert from "node:assert/strict";
import { test } from "node:test";
import type { RelayPort } from "../../src/core/site/placement.ts";
import { lldpFrame, mac, rackMachine } from "./machine.ts";
import { openSite, type Site } from "./site/site.ts";

const common = { hostname: "r{rack:2}u{unit:2}", address: { first: "10.77.1.0", step: { rack: 64, unit: 1 } } };
const lldp = { ...common, switch: "tor-(?<rack>\\d+)", port: "swp(?<unit>\\d+)" };
const option82 = { ...common, source: "option82", switch: "leaf-(?<rack>\\d+)", port: "1/(?<unit>\\d+)" };
const relay = { giaddr: "10.77.0.9", circuitId: "1/7", remoteId: "leaf-1" };

/** A site with these rules that has heard the machine's first request, which came through a relay. */
function openHeard(t: { readonly after: (act: () => void) => void }, rules: readonly object[], by?: RelayPort): Site {
  const site = openSite({ config: { placement: { lldpSeconds: 10, rules } } });
  t.after(site.close);
  site.apply({
    ...{ kind: "pxeAsked", mac, firmware: "uefi", network: "rack", nursery: true, stage: "firmware", answer: "loader" },
    ...(by === undefined ? {} : { relay: by }),
  });
  return site;
}

const placeOf = (site: Site) => {
  const { placement, conditions } = site.machine(mac);
  const conflict = conditions.find(({ kind }) => kind === "conflict")?.reason;
  return [placement?.hostname, placement?.source, conflict ?? conditions.map(({ reason }) => reason).join("; ")];
};

test("a machine whose switch is silent is placed by what its relay said, which stands on its record", (t) => {
  const site = openHeard(t, [lldp, option82], relay);
  const { end } = rackMachine(site).bootInit({ mute: true });
  assert.equal(end.kind, "switchedRoot");
  assert.deepEqual(placeOf(site), ["r01u07", "option82", ""]);
  assert.deepEqual(site.machine(mac).relay, relay);
  const { placement } = site.machine(mac);
  assert.deepEqual([placement?.switchName, placement?.port, placement?.lldp], ["leaf-1", "1/7", undefined]);
});

test("switch and relay name different slots: a conflict with both, before a disk is written to", (t) => {
  const site = openHeard(t, [lldp, option82], { ...relay, circuitId: "1/8" });
  rackMachine(site).bootInit();
  const [hostname, , conflict] = placeOf(site);
  assert.equal(hostname, undefined);
  assert.match(String(conflict), /r01u07 by LLDP \("tor-1" "swp7"\) and r01u08 by DHCP option 82 \("leaf-1" "1\/8"\)/);
});

test("an operator's word places a machine that nothing else places, again at its rebirth, and is no word against its switch", (t) => {
  const site = openHeard(t, [lldp]);
  const machine = rackMachine(site);
  machine.bootInit({ mute: true });
  assert.match(String(placeOf(site)[2]), /expected an LLDP frame within 10 s, found none/);
  const place = { switchName: "tor-1", port: "swp7" };
  site.apply({ kind: "detailsSet", id: site.machine(mac).id, by: "alice", details: { place } });
  machine.boot({ mute: true });
  assert.deepEqual(placeOf(site).slice(0, 2), ["r01u07", "operator"]);
  site.apply({ kind: "rebirthAsked", id: site.machine(mac).id, by: "alice" });
  machine.boot({ mute: true });
  assert.deepEqual([site.machine(mac).generation, ...placeOf(site).slice(0, 2)], [2, "r01u07", "operator"]);
  site.apply({ kind: "rebirthAsked", id: site.machine(mac).id, by: "alice" });
  machine.boot({ wire: { lldp: { frames: [lldpFrame("tor-1", "swp8")], everyMs: 1000 } } });
  assert.match(String(placeOf(site)[2]), /r01u08 by LLDP \("tor-1" "swp8"\) and r01u07 by an operator/);
  assert.throws(
    () => site.apply({ kind: "detailsSet", id: site.machine(mac).id, by: "alice", details: { place } }),
    /installed at tor-1 swp7/,
  );
});
