import assert from "node:assert/strict";
import { test } from "node:test";
import { framesOf, udpPayloadsTo } from "../../../tests/support/pcap.ts";
import { macOf } from "../../core/net/testing/addresses.ts";
import { pcapOf } from "./packet-capture.ts";
import { packets } from "./testing/packets.ts";

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
