import assert from "node:assert/strict";
import { test } from "node:test";
import { framesOf, udpPayloadsTo } from "../../../tests/support/pcap.ts";
import { macOf } from "../../core/net/testing/addresses.ts";
import { pcapOf } from "./packet-capture.ts";
import type { PacketView } from "./views.ts";

const server = { address: "10.77.0.1", port: 67 };
const packets: readonly PacketView[] = [
  {
    ...{ atMs: 1_000, direction: "in", protocol: "dhcp", kind: "discover", facts: ["class PXEClient", "xid 00000007"] },
    ...{ source: { address: "0.0.0.0", port: 68 }, destination: server, bytes: Buffer.from("ask").toString("base64") },
  },
  {
    ...{ atMs: 1_002, direction: "out", protocol: "dhcp", kind: "offer", facts: ["yiaddr 10.77.0.50"] },
    ...{ source: server, destination: { address: "255.255.255.255", port: 68 } },
    bytes: Buffer.from("answer").toString("base64"),
  },
];

test("a capture: frames between the NICs of the machine and the server", () => {
  const mac = macOf("525400000001");
  const frames = framesOf(pcapOf(packets, { macs: [mac] }));
  assert.deepEqual(
    udpPayloadsTo(67, frames).map((bytes) => Buffer.from(bytes).toString()),
    ["ask"],
  );
  assert.deepEqual(
    udpPayloadsTo(68, frames).map((bytes) => Buffer.from(bytes).toString()),
    ["answer"],
  );
  assert.deepEqual(
    frames.map((frame) => Buffer.from(frame.subarray(0, 12)).toString("hex")),
    ["026269727468525400000001", "ffffffffffff026269727468"],
  );
});
