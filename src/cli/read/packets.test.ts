import assert from "node:assert/strict";
import { test } from "node:test";
import { packets } from "../../contract/operator/testing/packets.ts";
import type { NetworkView } from "../../contract/operator/views.ts";
import { networksText } from "./networks.ts";
import { packetsTable } from "./packets.ts";

test("packets: direction, kind and main facts", () => {
  const [titles, ask, answer] = packetsTable(packets, 2_000, Number.POSITIVE_INFINITY);
  assert.match(titles ?? "", /^TIME \(UTC.*\) +FROM +TO +KIND +FACTS$/);
  assert.match(ask ?? "", /0\.0\.0\.0:68 +10\.77\.0\.1:67 +< dhcp discover +class PXEClient, xid 00000007$/);
  assert.match(answer ?? "", /10\.77\.0\.1:67 +255\.255\.255\.255:68 +> dhcp offer +yiaddr 10\.77\.0\.50$/);
});

test("networks: the pool, and one line for each problem", () => {
  const network: NetworkView = {
    ...{
      name: "rack",
      interface: "eth1",
      mode: "full",
      nursery: true,
      received: 9,
      answered: 4,
      receiveBufferBytes: 8_388_608,
    },
    pool: { first: "10.77.0.50", last: "10.77.0.51", size: 2, held: 2, exhaustedSinceMs: 0, refused: 5 },
    declined: [{ address: "10.77.0.50", mac: "52:54:00:0a:0b:01", untilMs: 61_000 }],
    ...{ answers: {}, unanswered: { poolExhausted: 5, infiniBand: 3, taggedVlan: 2 }, malformed: {} },
  };
  const text = networksText([network], 1_000, Number.POSITIVE_INFINITY).join("\n");
  assert.match(
    text,
    /rack +.*eth1 .*10\.77\.0\.50-10\.77\.0\.51 +2 of 2 +9 +4 +- +5 without a free address in the pool, 3 over/,
  );
  assert.match(text, /rack: the pool has been exhausted for 1(\.0)? s, and 5 requests got no address/);
  assert.match(text, /rack: 3 requests over InfiniBand, which is not supported: boot these machines from an Ethernet/);
  assert.match(text, /rack: 2 requests with a VLAN tag, which is not supported: make this network the native/);
  assert.match(text, /rack: 10\.77\.0\.50 is not leased for another 60 s: 52:54:00:0a:0b:01 found another host/);
});
