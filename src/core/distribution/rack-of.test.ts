import assert from "node:assert/strict";
import { test } from "node:test";
import type { Machine } from "../machine/record.ts";
import { testMachine } from "../machine/testing/test-machine.ts";
import { rackOf } from "./rack-of.ts";

const isRelayed = (network: string) => network === "pod-1";
const { placement: _placement, ...unplaced } = testMachine("healthy");
const machine = (facts: Partial<Machine> = {}): Machine => ({ ...unplaced, ...facts }) as Machine;
const heardFrom = (...names: readonly string[]): Pick<Machine, "neighbours"> => ({
  neighbours: names.map((switchName) => ({
    ...{ switchName, port: "swp1", portIdKind: "interfaceName", portId: "swp1", portDescription: "" },
  })),
});
const alone = { rack: `machine ${unplaced.id}`, isAlone: true };

const cases: readonly (readonly [what: string, Machine, string | undefined])[] = [
  ["with a location is in that rack", testMachine("healthy"), "rack1"],
  [
    "whose rule names no rack is at its switch",
    testMachine("healthy", {
      placement: { ...(testMachine("healthy").placement ?? assert.fail()), position: { unit: "7" } },
    }),
    "tor-1",
  ],
  ["without a place is at the switch that it hears", machine(heardFrom("tor-9", "tor-9")), "tor-9"],
  ["that hears several switches is alone", machine(heardFrom("tor-9", "tor-8")), undefined],
  ["of a relayed network counts by it", machine({ network: "pod-1" }), "network pod-1"],
  ["of a local network is alone", machine({ network: "lab" }), undefined],
  ["of which nothing is known is alone", machine(), undefined],
];
for (const [what, of, rack] of cases)
  test(`a machine ${what}`, () => {
    assert.deepEqual(rackOf(of, { isRelayed }), rack === undefined ? alone : { rack, isAlone: false });
  });

test("where the uplinks of racks have a limit, a network is no rack", () => {
  assert.deepEqual(rackOf(machine({ network: "pod-1" }), { isRelayed, rackUplinkMbps: 100 }), alone);
});
