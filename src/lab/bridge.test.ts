import assert from "node:assert/strict";
import { test } from "node:test";
import { bridgeCommands } from "./bridge.ts";

const text = (commands: ReturnType<typeof bridgeCommands>) => commands.map((command) => command.argv.join(" "));
const bridge = { name: "rack0", mac: "02:00:5e:b1:00:01", addresses: ["10.77.0.1/24"] };

test("the switch forwards at once and has the server's addresses", () => {
  const commands = bridgeCommands({ ...bridge, ports: [{ tap: "tap1", lossPercent: 0 }] });
  assert.deepEqual(text(commands), [
    "ip link set lo up",
    "ip link add rack0 address 02:00:5e:b1:00:01 type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
    "ip addr add 10.77.0.1/24 dev rack0",
    "ip link set rack0 addrgenmode none up",
    "ip tuntap add dev tap1 mode tap",
    "ip link set tap1 master rack0 addrgenmode none up",
  ]);
});

test("a lossy port loses frames in both directions, the others none", () => {
  const ports = [
    { tap: "tap1", lossPercent: 0 },
    { tap: "tap2", lossPercent: 2.5 },
  ];
  const loss = bridgeCommands({ ...bridge, ports }).at(-1);
  assert.deepEqual(loss?.argv, ["nft", "-f", "-"]);
  assert.match(loss?.input ?? "", /hook prerouting.*\n {4}iifname "tap2" numgen random mod 10000 < 250 drop\n/);
  assert.match(loss?.input ?? "", /hook postrouting.*\n {4}oifname "tap2" numgen random mod 10000 < 250 drop\n/);
  assert.ok(!loss?.input?.includes("tap1"));
});

test("a link that has fallen back is slow towards its machine, the others are not", () => {
  const ports = [
    { tap: "tap1", lossPercent: 0 },
    { tap: "tap2", lossPercent: 0, linkMbps: 10 },
  ];
  const rates = text(bridgeCommands({ ...bridge, ports })).filter((line) => line.startsWith("tc"));
  assert.deepEqual(rates, ["tc qdisc add dev tap2 root tbf rate 10mbit burst 64kb latency 500ms"]);
});
