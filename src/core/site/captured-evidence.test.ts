import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { bytesFromHex } from "../bytes/text.ts";
import { pcapOfFrames, type UdpDatagram, udpFrame } from "../net/pcap.ts";
import { readCapture } from "../net/read-pcap.ts";
import { ip, macOf } from "../net/testing/addresses.ts";
import { withVlanTag } from "../net/vlan-tag.ts";
import { capturedEvidence } from "./captured-evidence.ts";

const field = (name: string) => readFileSync(new URL(`../../../tests/captures/field/${name}`, import.meta.url));
const framesIn = (file: Uint8Array) => {
  const reading = readCapture(file);
  return reading.kind === "frames" ? reading.frames : assert.fail(reading.reason);
};
const reasonOf = (file: Uint8Array) => {
  const reading = readCapture(file);
  return reading.kind === "unreadable" ? reading.reason : "readable";
};
const text = (given: string) => new TextEncoder().encode(given);

test("LLDP frames as hex lines and in a pcap of either byte order are the same neighbours", () => {
  const frames = framesIn(field("lldp/two-switches-on-one-port.hex"));
  const heard = capturedEvidence(frames).neighbours;
  assert.ok(heard.length > 1);
  const pcap = pcapOfFrames(frames.map((frame, index) => ({ frame, atMs: index })));
  assert.deepEqual(capturedEvidence(framesIn(pcap)).neighbours, heard);
  const big = pcap.slice();
  const [from, to] = [new DataView(pcap.buffer, pcap.byteOffset), new DataView(big.buffer)];
  for (const at of [0, 20]) to.setUint32(at, from.getUint32(at, true));
  for (let at = 24; at < pcap.length; at += 16 + from.getUint32(at + 8, true))
    for (const word of [0, 4, 8, 12]) to.setUint32(at + word, from.getUint32(at + word, true));
  assert.deepEqual(capturedEvidence(framesIn(big)).neighbours, heard);
});

test("a relayed DHCP request names its port, with and without a tag", () => {
  const payload = bytesFromHex(field("dhcp/option82-link-selection-zero.hex").toString("latin1").replace(/\s/g, ""));
  const datagram: UdpDatagram = {
    source: { mac: macOf("02:00:00:00:00:01"), address: ip("10.77.0.66"), port: 67 },
    destination: { mac: macOf("02:00:00:00:00:02"), address: ip("10.77.0.1"), port: 67 },
    payload: payload ?? assert.fail(),
  };
  const frame = udpFrame(datagram);
  const { relay, neighbours } = capturedEvidence([frame]);
  assert.deepEqual(neighbours, []);
  assert.deepEqual(relay, { giaddr: "10.77.0.9", circuitId: "swp1" });
  assert.deepEqual(capturedEvidence([withVlanTag(frame, 7)]).relay, relay);
  for (let length = 0; length < frame.length; length += 1) capturedEvidence([frame.subarray(0, length)]);
});

test("a file that is no capture is refused with what to do", () => {
  assert.match(reasonOf(text("")), /empty/);
  assert.match(reasonOf(text("0a0d0d0a\nhello")), /line 2: expected a pcap file, or the hex digits/);
  assert.match(reasonOf(Uint8Array.of(0x0a, 0x0d, 0x0d, 0x0a, 1)), /pcapng; tcpdump -r/);
  assert.match(reasonOf(pcapOfFrames([]).slice(0, 20)), /ends in its header/);
  assert.match(reasonOf(pcapOfFrames([])), /no whole frame/);
  const wireless = pcapOfFrames([]);
  wireless[20] = 105;
  assert.match(reasonOf(wireless), /link type 105/);
  const cut = pcapOfFrames([1, 2].map((byte) => ({ frame: new Uint8Array(60).fill(byte), atMs: 0 }))).slice(0, -1);
  assert.equal(framesIn(cut).length, 1);
  assert.deepEqual(framesIn(text("# a comment\n01:80 c2\n\n")), [Uint8Array.of(1, 0x80, 0xc2)]);
});
