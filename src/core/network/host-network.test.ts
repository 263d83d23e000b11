import assert from "node:assert/strict";
import { test } from "node:test";
import { ip } from "../net/testing/addresses.ts";
import { missingOnHost } from "./host-network.ts";
import { testNetwork, testNetworkOfOnePart } from "./testing/test-network.ts";

const relayed = testNetworkOfOnePart({
  relay: { gateway: ip("10.88.0.1"), agents: [] },
  serverAddress: ip("10.77.0.9"),
  name: "far",
});

const rows: readonly (readonly [
  title: string,
  networks: Parameters<typeof missingOnHost>[0],
  interfaces: readonly string[],
  addresses: readonly string[],
  missing: readonly string[],
])[] = [
  ["all is there", [testNetwork()], ["lo", "rack0"], ["10.77.0.1", "10.77.1.1"], []],
  [
    "without its interface a network's addresses are not asked for",
    [testNetwork()],
    ["lo"],
    [],
    ["network rack: expected an interface rack0, found none; run ip link to list the interfaces"],
  ],
  [
    "each address of its own prefix",
    [testNetwork()],
    ["rack0"],
    [],
    [
      "network rack: expected 10.77.0.1 on this computer, found no such address; ip addr add 10.77.0.1/24 dev rack0",
      "network rack: expected 10.77.1.1 on this computer, found no such address; ip addr add 10.77.1.1/24 dev rack0",
    ],
  ],
  [
    "an address that both parts share is named once",
    [testNetworkOfOnePart()],
    ["rack0"],
    [],
    ["network rack: expected 10.77.0.1 on this computer, found no such address; ip addr add 10.77.0.1/24 dev rack0"],
  ],
  [
    "a relayed network needs an address on any interface, and faults of all networks are named",
    [testNetwork(), relayed],
    ["rack0"],
    ["10.77.0.1"],
    [
      "network rack: expected 10.77.1.1 on this computer, found no such address; ip addr add 10.77.1.1/24 dev rack0",
      "network far: expected 10.77.0.9 on this computer, found no such address; choose an address that ip addr lists",
    ],
  ],
];
for (const [title, networks, interfaces, addresses, missing] of rows) {
  test(`host network: ${title}`, () => {
    const host = { interfaces: new Set(interfaces), addresses: new Set(addresses.map(ip)) };
    assert.deepEqual(missingOnHost(networks, host), missing);
  });
}
