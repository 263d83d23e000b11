import assert from "node:assert/strict";
import { test } from "node:test";
import { neighbourOf } from "../core/lldp/neighbour.ts";
import { readLldp } from "../core/lldp/read.ts";
import { macOf } from "../core/net/testing/addresses.ts";
import { isDue, portFrame } from "./announcer.ts";

const identity = { systemName: "tor-1", chassis: macOf("02:00:5e:b1:00:01") };

function neighbour(frame: Uint8Array | undefined) {
  assert.ok(frame);
  const reading = readLldp(frame);
  assert.equal(reading.kind, "lldpdu");
  const { switchName, port } = neighbourOf(reading.lldpdu);
  return { switchName, port };
}

test("a port announces its switch and its own name, or what a test configures", () => {
  assert.deepEqual(neighbour(portFrame(identity, "swp3", { kind: "announced" })), {
    switchName: "tor-1",
    port: "swp3",
  });
  const foreign = { kind: "foreign", switchName: "spine", port: "x" } as const;
  assert.deepEqual(neighbour(portFrame(identity, "swp3", foreign)), { switchName: "spine", port: "x" });
  assert.equal(portFrame(identity, "swp3", { kind: "silent" }), undefined);
});

test("a port sends a frame every second, at once to a new neighbour, and never when silent", () => {
  const frame = Uint8Array.of(1);
  assert.equal(isDue({ frame, sentAtMs: 1000 }, false, 1999), false);
  assert.equal(isDue({ frame, sentAtMs: 1000 }, false, 2000), true);
  assert.equal(isDue({ frame, sentAtMs: 1000 }, true, 1001), true);
  assert.equal(isDue({ frame: undefined, sentAtMs: 0 }, true, 9999), false);
});
