import assert from "node:assert/strict";
import { test } from "node:test";
import { neighbourBy } from "../lldp/neighbour.ts";
import { macOf } from "../net/testing/addresses.ts";
import { assignNics, type Cable } from "./assign-nics.ts";
import type { LinkProfile, NicRule } from "./profile.ts";

const port = (switchName: string, name: string) =>
  neighbourBy(switchName, { portIdKind: "interfaceName", portId: name, portDescription: "" });
const cable = (number: number, more: Partial<Cable> = {}): Cable => ({
  ...{ name: `eth${number}`, mac: macOf(`52:54:00:00:00:0${number}`), driver: "ice", speedMbps: 25_000 },
  ...{ carrier: true, neighbours: [port(`tor-${number % 2}`, `swp${number}`)] },
  ...more,
});
const cables = [
  cable(0),
  cable(1),
  cable(2, { driver: "igb", speedMbps: 1000, neighbours: [port("mgmt-1", "ge7")] }),
  cable(3, { carrier: false, speedMbps: 0, neighbours: [] }),
];
const booted = cables[1]?.mac ?? assert.fail();
const link = (name: string, more: Partial<LinkProfile> = {}): LinkProfile => ({
  ...{ name, addresses: [], routes: [], vlans: [] },
  ...more,
});
const bond = (nics: NicRule, least = 2) => link("bond0", { nics, bond: { mode: "active-backup", least } });

/** The names of each link's NICs, or the reason. */
function assigned(links: readonly LinkProfile[], given = cables): unknown {
  const assignment = assignNics({ name: "p", links }, given, booted);
  if (assignment.kind === "unassigned") return assignment.reason;
  return assignment.links.map(({ nics }) => nics.map(({ name }) => name).join(" "));
}

test("a bond takes the NICs with a link that its rule matches, the one that booted first", () => {
  const cases: readonly (readonly [NicRule, readonly string[]])[] = [
    [{}, ["eth1 eth0 eth2"]],
    [{ minMbps: 10_000 }, ["eth1 eth0"]],
    [{ driver: "ice|ixgbe" }, ["eth1 eth0"]],
    [{ name: "eth[12]" }, ["eth1 eth2"]],
    [{ switch: "tor-\\d" }, ["eth1 eth0"]],
    [{ switch: "tor-\\d|mgmt-1", port: "swp1|ge7" }, ["eth1 eth2"]],
  ];
  for (const [nics, expected] of cases) assert.deepEqual(assigned([bond(nics)]), expected, JSON.stringify(nics));
});

test("each NIC belongs to one link; without a rule a link has the NIC that booted", () => {
  assert.deepEqual(assigned([link("main"), link("store", { nics: { driver: "igb" } })]), ["eth1", "eth2"]);
  assert.deepEqual(assigned([link("main", { nics: {} }), bond({}, 2)]), ["eth1", "eth0 eth2"]);
});

test("too few, too many or the wrong NICs stop the birth, and the reason lists all of them", () => {
  const reason = (links: readonly LinkProfile[], given?: readonly Cable[]) => String(assigned(links, given as Cable[]));
  assert.match(
    reason([bond({ minMbps: 10_000 }, 3)]),
    /link bond0: expected at least 3 NICs with a link and minMbps 10000, found 2/,
  );
  assert.match(reason([bond({ minMbps: 10_000 }, 3)]), /eth3 \(52:54:00:00:00:03, ice, no link\)/);
  assert.match(reason([bond({ driver: "igb" }, 2)]), /expected the NIC that booted to match driver igb/);
  assert.match(
    reason([link("main"), link("store", { nics: {} })]),
    /link store: expected one NIC with any properties, found eth0, eth2/,
  );
  assert.match(
    reason([link("main"), link("store", { nics: { driver: "mlx5_core" } })]),
    /expected at least 1 NIC .*mlx5_core, found 0/,
  );
  // A driver that reports no speed, and a pattern of a newer server that this image cannot read, match nothing.
  assert.match(reason([bond({ minMbps: 1 })], [cable(1, { speedMbps: 0 }), cable(0)]), /booted to match minMbps 1/);
  assert.match(reason([bond({ name: "(" })]), /booted to match name \(/);
  assert.match(reason([link("main")], []), /found no NIC/);
});
