import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesFromHex, hexFromBytes } from "../bytes/text.ts";
import { type ArpMessage, conflictIn, readArp, writeArpProbe, writeArpReply } from "./arp.ts";
import { noAddress } from "./ipv4.ts";
import { ip, macOf } from "./testing/addresses.ts";

const mac = macOf("52:54:00:12:34:56");
const other = macOf("02:00:00:00:00:99");
const address = ip("10.77.0.50");

test("a probe is a broadcast request without a sender address, padded to Ethernet's least length", () => {
  const hex = "ffffffffffff 525400123456 0806 0001 0800 06 04 0001 525400123456 00000000 000000000000 0a4d0032";
  assert.equal(hexFromBytes(writeArpProbe(mac, address)), hex.replaceAll(" ", "").padEnd(120, "0"));
});

test("a reply goes to the asking host and reads as it was written", () => {
  const asked = readArp(writeArpProbe(mac, address)) ?? assert.fail();
  const frame = writeArpReply({ mac: other, address }, asked);
  assert.equal(hexFromBytes(frame.subarray(0, 14)), "5254001234560200000000990806");
  assert.deepEqual(readArp(frame), {
    operation: "reply",
    senderMac: other,
    senderAddress: address,
    targetAddress: noAddress,
  });
});

const says = (message: Partial<ArpMessage>): ArpMessage => ({
  ...{ operation: "reply", senderMac: other, senderAddress: address, targetAddress: noAddress },
  ...message,
});

for (const [title, message, expected] of [
  ["a host that answers", says({}), other],
  [
    "a host that asks for another one, with the address",
    says({ operation: "request", targetAddress: ip("10.77.0.1") }),
    other,
  ],
  [
    "a host that probes for it, too",
    says({ operation: "request", senderAddress: noAddress, targetAddress: address }),
    other,
  ],
  ["a reply of a host without an address", says({ senderAddress: noAddress, targetAddress: address }), undefined],
  [
    "a host that only looks for it",
    says({ operation: "request", senderAddress: ip("10.77.0.1"), targetAddress: address }),
    undefined,
  ],
  ["another address", says({ senderAddress: ip("10.77.0.51") }), undefined],
  ["our own frame", says({ senderMac: mac }), undefined],
] as const)
  test(`conflict: ${title}`, () => assert.equal(conflictIn(message, { mac, address }), expected));

for (const [title, hex] of [
  ["cut off", "ffffffffffff 525400123456 0806 0001 0800 06 04 0001 525400123456 00000000 0000"],
  ["another Ethernet type", `ffffffffffff 525400123456 0800 ${"00".repeat(46)}`],
  ["other hardware", `ffffffffffff 525400123456 0806 0006 0800 06 04 0001 ${"00".repeat(38)}`],
  ["another operation", `ffffffffffff 525400123456 0806 0001 0800 06 04 0008 ${"00".repeat(38)}`],
  ["nothing", ""],
] as const)
  test(`not read: ${title}`, () =>
    assert.equal(readArp(bytesFromHex(hex.replaceAll(" ", "")) ?? assert.fail()), undefined));
