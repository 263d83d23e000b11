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

test("a datagram in its packet: lengths, ports and both checksums", () => {
  const packet = udpPacket(datagram);
  const [ipSum, udpSum] = [packet.subarray(10, 12), packet.subarray(26, 28)].map(hexFromBytes);
  assert.equal(
    hexFromBytes(packet),
    `4500001f000000004011${ipSum}${"c0a800c7"}${"c0a80001"}${"00440043000b"}${udpSum}${"010203"}`,
  );
  // All words including the checksum add up to ffff (RFC 1071); UDP's with the pseudo header (RFC 768).
  const sum = (bytes: Uint8Array) => {
    let total = 0;
    for (let at = 0; at < bytes.length; at += 2) total += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    return (total & 0xffff) + (total >>> 16);
  };
  assert.equal(sum(packet.subarray(0, 20)), 0xffff);
  assert.equal(sum(Uint8Array.of(...packet.subarray(12, 20), 0, 17, 0, 11, ...packet.subarray(20))), 0xffff);
});

test("a UDP checksum of zero is sent as ffff", () => {
  const plain = udpPacket({ ...datagram, payload: Uint8Array.of(0, 0) });
  const payload = plain.slice(26, 28);
  assert.equal(hexFromBytes(udpPacket({ ...datagram, payload }).subarray(26, 28)), "ffff");
});

test("a packet written to a pcap file reads back the same", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 1472 }), { maxLength: 5 }), (payloads) => {
      const file = writePcap(payloads.map((payload, index) => ({ ...datagram, payload, atMs: 1_000_500 + index })));
      assert.deepEqual(udpPayloadsTo(67, framesOf(file)), payloads);
    }),
  );
});
