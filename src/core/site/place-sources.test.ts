import assert from "node:assert/strict";
import { test } from "node:test";
import { protocolForRules } from "../birth/order-answer.ts";
import { neighbourBy } from "../lldp/neighbour.ts";
import { ip } from "../net/testing/addresses.ts";
import { type PlaceEvidence, placeByEvidence } from "./place-sources.ts";
import type { PlacementRule } from "./placement.ts";

const common = { hostname: "r{rack:2}u{unit:2}", address: { first: ip("10.77.1.0"), step: { rack: 64, unit: 1 } } };
const rules: readonly PlacementRule[] = [
  { ...common, switch: "tor-(?<rack>\\d+)", port: "swp(?<unit>\\d+)" },
  { ...common, source: "option82", switch: "leaf-(?<rack>\\d+)", port: "1/(?<unit>\\d+)" },
  { ...common, source: "chassis", switch: "CZ(?<rack>\\d+)", port: "Bay (?<unit>\\d+)" },
];
const heard = (switchName: string, port: string): PlaceEvidence => ({
  neighbours: [neighbourBy(switchName, { portIdKind: "interfaceName", portId: port, portDescription: "" })],
});
const silent: PlaceEvidence = { neighbours: [] };
const relay = { giaddr: "10.78.0.1", remoteId: "leaf-1", circuitId: "1/7" };
const chassis = { serial: "CZ1", slot: "Bay 7" };
const operator = { switchName: "tor-1", port: "swp7" };

/** The name and its source, or the reason. */
function placed(evidence: PlaceEvidence, by = rules): string {
  const result = placeByEvidence(by, evidence);
  if (result.kind === "unplaced") return `${result.conflict ? "conflict" : "unplaced"}: ${result.reason}`;
  const { hostname, source = "lldp", switchName, port } = result.placement;
  return `${hostname} ${source} ${switchName} ${port}`;
}

test("each source gives a place by its own rules; the first in order decides", () => {
  assert.equal(placed(heard("tor-1", "swp7")), "r01u07 lldp tor-1 swp7");
  assert.equal(placed({ ...silent, relay }), "r01u07 option82 leaf-1 1/7");
  assert.equal(placed({ ...silent, chassis }), "r01u07 chassis CZ1 Bay 7");
  assert.equal(placed({ ...silent, operator }), "r01u07 operator tor-1 swp7");
  assert.equal(placed({ ...heard("tor-1", "swp7"), relay, chassis, operator }), "r01u07 lldp tor-1 swp7");
  assert.equal(placed({ ...heard("core-9", "eth1"), relay, operator }), "r01u07 option82 leaf-1 1/7");
  assert.equal(placed({ ...silent, chassis, operator }), "r01u07 chassis CZ1 Bay 7");
  // Without a remote id, the relay's address stands for it.
  const byGiaddr = [
    { ...common, source: "option82" as const, switch: "10\\.78\\.(?<rack>\\d+)\\.1", port: "1/(?<unit>\\d+)" },
  ];
  assert.equal(
    placed({ ...silent, relay: { giaddr: "10.78.3.1", circuitId: "1/9" } }, byGiaddr),
    "r03u09 option82 10.78.3.1 1/9",
  );
});

test("a source without rules of its own decides nothing: neither a place nor a conflict", () => {
  const [lldp] = rules;
  const only = [lldp ?? assert.fail()];
  const elsewhere = { relay: { ...relay, circuitId: "1/8" }, chassis: { serial: "CZ1", slot: "Bay 9" } };
  assert.equal(placed({ ...heard("tor-1", "swp7"), ...elsewhere }, only), "r01u07 lldp tor-1 swp7");
  assert.match(placed({ ...silent, ...elsewhere }, only), /^unplaced: no source says anything/);
});

test("sources that give different places are a conflict with both sides", () => {
  assert.equal(
    placed({ ...heard("tor-1", "swp7"), relay: { ...relay, circuitId: "1/8" } }),
    'conflict: expected sources that give one place, found r01u07 by LLDP ("tor-1" "swp7") and r01u08 by DHCP option 82 ("leaf-1" "1/8")',
  );
  assert.match(
    placed({ ...silent, relay, operator: { switchName: "tor-2", port: "swp7" } }),
    /^conflict: .*r02u07 by an operator/,
  );
});

test("without a place, the reason says what each source said", () => {
  assert.equal(
    placed({ ...heard("core-9", "eth1"), relay: { ...relay, circuitId: "0x01" } }),
    'unplaced: LLDP: the only placement rule does not match switch "core-9" port "eth1"; ' +
      'DHCP option 82: the only placement rule does not match switch "leaf-1" port "0x01"',
  );
  assert.match(placed(heard("core-9", "eth1")), /^unplaced: the only placement rule does not match switch "core-9"/);
});

test("an init that does not know the sources gets no order whose rules it would take for LLDP's", () => {
  assert.deepEqual([protocolForRules(rules), protocolForRules(rules.slice(0, 1))], [5, 1]);
});
