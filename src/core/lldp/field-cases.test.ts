import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { bytesFromHex } from "../bytes/text.ts";
import { placeAmong } from "../site/place.ts";
import type { PlacementRule } from "../site/placement.ts";
import { neighbourOf } from "./neighbour.ts";
import { readLldp } from "./read.ts";

const directory = new URL("../../../tests/captures/field/lldp/", import.meta.url);
const address = { first: "10.77.1.0", step: { rack: 64, unit: 1 } };
const rules: readonly PlacementRule[] = [
  {
    switch: "leaf-(?<rack>\\d+)",
    port: "(?:swp|(?:Gi|GigabitEthernet)1/0/|Ethernet(?:1/)?)?(?<unit>\\d{1,2})",
    hostname: "r{rack:2}u{unit:2}",
    address,
  },
];

/** The place that the frames of a file give. */
function placeOf(name: string): string {
  const frames = readFileSync(new URL(`${name}.hex`, directory), "utf8")
    .trim()
    .split(/\s+/);
  const neighbours = frames.map((hex) => {
    const reading = readLldp(bytesFromHex(hex) ?? assert.fail("expected hex digits"));
    return reading.kind === "lldpdu" ? neighbourOf(reading.lldpdu) : assert.fail(reading.reason);
  });
  const result = placeAmong(rules, neighbours);
  return result.kind === "placed" ? result.placement.hostname : result.reason;
}

const places: readonly (readonly [name: string, place: string])[] = [
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
for (const [name, place] of places) test(`field case ${name}: ${place}`, () => assert.equal(placeOf(name), place));

test("the description of a port that has only an index never replaces it if an operator wrote it", () =>
  assert.match(placeOf("junos-index-with-operator-text"), /matches switch "leaf-1" port "526"/));

test("neighbours that give different places are a conflict that names both", () => {
  const result = placeAmong(rules, [
    { switchName: "leaf-1", port: "swp7" },
    { switchName: "leaf-2", port: "swp9" },
  ]);
  assert.match(result.kind === "unplaced" ? result.reason : "", /found r01u07 .*"leaf-1".*, r02u09 .*"leaf-2"/);
});

test("without a match every neighbour is named", () => {
  const result = placeAmong(rules, [
    { switchName: "bmc", port: "1" },
    { switchName: "office", port: "gi24" },
  ]);
  assert.match(result.kind === "unplaced" ? result.reason : "", /"bmc".*"office"/);
});

test("every file is one of the field's frames", () => assert.ok(readdirSync(directory).length >= places.length));
