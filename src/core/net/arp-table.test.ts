import assert from "node:assert/strict";
import { test } from "node:test";
import { neighboursIn } from "./arp-table.ts";

const table = `IP address       HW type     Flags       HW address            Mask     Device
10.77.0.5        0x1         0x2         52:54:00:12:34:56     *        eth1
10.77.0.6        0x1         0x0         00:00:00:00:00:00     *        eth1
10.77.0.7        0x1         0x6         52:54:00:12:34:57     *        eth1
`;

const rows: readonly (readonly [address: string, answered: boolean])[] = [
  ["10.77.0.5", true],
  ["10.77.0.6", false],
  ["10.77.0.7", true],
  ["10.77.0.8", false],
  ["10.77.0.50", false],
];
for (const [address, answered] of rows)
  test(`the ARP table ${answered ? "has" : "does not have"} an answer of ${address}`, () =>
    assert.equal(
      neighboursIn(table, address).some(({ isComplete }) => isComplete),
      answered,
    ));

test("an entry has the MAC address, which is zero until the host answers", () => {
  const macs = ["10.77.0.5", "10.77.0.6", "10.77.0.8"].map((address) =>
    neighboursIn(table, address).map(({ mac }) => mac),
  );
  assert.deepEqual(macs, [["52:54:00:12:34:56"], ["00:00:00:00:00:00"], []]);
});
