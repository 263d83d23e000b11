import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { bytesFromHex } from "../bytes/text.ts";
import { ip } from "../net/testing/addresses.ts";
import { placeAmong } from "../site/place.ts";
import type { Neighbour, PlacementRule } from "../site/placement.ts";
import { neighbourOf } from "./neighbour.ts";
import { readLldp } from "./read.ts";

const directory = new URL("../../../tests/captures/field/lldp/", import.meta.url);
const address = { first: ip("10.77.1.0"), step: { rack: 64, unit: 1 } };
const rules: readonly PlacementRule[] = [
  {
    switch: "leaf-(?<rack>\\d+)",
    port: "(?:swp|(?:Gi|GigabitEthernet)1/0/|Ethernet(?:1/)?)?(?<unit>\\d{1,2})",
    hostname: "r{rack:2}u{unit:2}",
    address,
  },
];

/** The place that the frames of a file give, or the reason why none. */
function placeOf(name: string, by = rules): string {
  const frames = readFileSync(new URL(`${name}.hex`, directory), "utf8")
    .trim()
    .split(/\s+/);
  const neighbours = frames.map((hex) => {
    const reading = readLldp(bytesFromHex(hex) ?? assert.fail("expected hex digits"));
    return reading.kind === "lldpdu" ? neighbourOf(reading.lldpdu) : assert.fail(reading.reason);
  });
  const result = placeAmong(by, neighbours);
  return result.kind === "placed" ? result.placement.hostname : result.reason;
}

const expectedHosts: readonly (readonly [name: string, place: string])[] = [
  ["alias-subtype", "r01u07"],
  ["another-host-speaks-first", "r01u07"],
  ["bmc-speaks-first", "r01u07"],
  ["catalyst-with-operator-text", "r01u07"],
  ["numeric-port-labelled-with-another-number", "r01u07"],
  ["numeric-port-with-operator-text", "r01u07"],
  ["nxos", "r01u07"],
  ["two-switches-on-one-port", "r01u07"],
  ["vlan-tagged-8100", "r01u07"],
];
for (const [name, place] of expectedHosts)
  test(`field case ${name}: ${place}`, () => assert.equal(placeOf(name), place));

test("the description of a port that has only an index never replaces it if an operator wrote it", () =>
  assert.match(placeOf("junos-index-with-operator-text"), /not match switch "leaf-1" port "526"/));

/** The rules with a way of their own to find the unit. */
function withPort(port: Pick<PlacementRule, "port" | "portId" | "portIdKind" | "portDescription">): PlacementRule[] {
  return rules.map(({ port: _usual, ...rule }) => ({ ...rule, ...port }));
}

test("a port labelled as another port is a conflict that names both fields, whichever of them the rule would match", () => {
  for (const by of [rules, withPort({ port: "swp(?<unit>\\d+)" })])
    assert.match(
      placeOf("numeric-port-labelled-swp9", by),
      /expected one port, found port id "7" and port description "swp9": .*portId, portDescription/,
    );
  assert.equal(placeOf("numeric-port-labelled-swp9", withPort({ port: "(?<unit>\\d+)" })), "r01u07");
});

test("a rule can name the port id, its subtype and the description separately", () => {
  const name = "numeric-port-labelled-swp9";
  const byId = withPort({ portId: "(?<unit>\\d+)", portIdKind: "local" });
  assert.equal(placeOf(name, byId), "r01u07");
  assert.equal(placeOf(name, withPort({ portDescription: "swp(?<unit>\\d+)" })), "r01u09");
  assert.match(placeOf("nxos", byId), /the only placement rule does not match .*"Ethernet1\/7"/);
  assert.equal(placeOf(name, [...withPort({ portId: "(?<unit>\\d+)" }), ...rules]), "r01u07", "before the others");
});

test("SONiC's default of a MAC as port id: the description is the port, whose number counts by four", () => {
  assert.equal(placeOf("sonic-default-mac"), "r01u24", "without counting");
  const counting = { unit: { first: 0, every: 4 } };
  const byFour = rules.map((rule) => ({ ...rule, counting }));
  assert.equal(placeOf("sonic-default-mac", byFour), "r01u07");
  const at = (port: string) => placeAmong(byFour, [neighbour("leaf-1", port)]);
  for (const [port, host] of [
    ["Ethernet0", "r01u01"],
    ["Ethernet4", "r01u02"],
    ["Ethernet92", "r01u24"],
  ] as const) {
    const result = at(port);
    assert.equal(result.kind === "placed" && result.placement.hostname, host);
    assert.equal(result.kind === "placed" && result.placement.position.unit, String(Number(host.slice(4))));
  }
  const lane = at("Ethernet5");
  assert.match(lane.kind === "unplaced" ? lane.reason : "", /the only placement rule does not match .*"Ethernet5"/);
});

test("neighbours that give different expectedHosts are a conflict that names both", () => {
  const result = placeAmong(rules, [neighbour("leaf-1", "swp7"), neighbour("leaf-2", "swp9")]);
  assert.match(result.kind === "unplaced" ? result.reason : "", /found r01u07 .*"leaf-1".*, r02u09 .*"leaf-2"/);
});

test("without a match every neighbour is named, with all fields that say which port it is", () => {
  const described = { ...neighbour("bmc", "1"), portDescription: "OCP 3 shared" };
  const result = placeAmong(rules, [described, neighbour("office", "gi24")]);
  assert.match(
    result.kind === "unplaced" ? result.reason : "",
    /"bmc" port "1" \(described "OCP 3 shared"\).*"office"/,
  );
});

function neighbour(switchName: string, port: string): Neighbour {
  return { switchName, port, portIdKind: "interfaceName", portId: port, portDescription: "" };
}

test("every file is one of the field's frames", () => assert.ok(readdirSync(directory).length >= expectedHosts.length));
