import assert from "node:assert/strict";
import { test } from "node:test";
import type { MachineId } from "../core/machine/record.ts";
import { type LoggedPacket, openPacketLog } from "./packet-log.ts";

const packet = (atMs: number, bytes = 100): LoggedPacket => ({
  ...{ atMs, direction: "in", protocol: "dhcp", bytes: new Uint8Array(bytes) },
  ...{ source: { address: "0.0.0.0", port: 68 }, destination: { address: "10.77.0.1", port: 67 } },
});
const id = (n: number) => `m-${n}` as MachineId;

test("the last fifty packets of a machine are kept, oldest first", () => {
  const log = openPacketLog();
  for (let atMs = 0; atMs < 120; atMs += 1) log.note(id(1), packet(atMs));
  const kept = log.of(id(1)).map(({ atMs }) => atMs);
  assert.deepEqual([kept.length, kept[0], kept[49]], [50, 70, 119]);
  assert.deepEqual(log.of(id(2)), []);
});

test("a fleet's packets stay within their memory: who was silent the longest is forgotten first", () => {
  const log = openPacketLog(10_000);
  for (let n = 0; n < 100; n += 1) {
    log.note(id(n), packet(n));
    log.note(id(0), packet(n));
  }
  const remembered = Array.from({ length: 100 }, (_, n) => n).filter((n) => log.of(id(n)).length > 0);
  assert.ok(remembered.includes(0) && remembered.includes(99));
  assert.ok(!remembered.includes(1));
});

test("a packet is kept as it was when the socket's buffer is used again", () => {
  const log = openPacketLog();
  const bytes = Uint8Array.of(1, 2, 3);
  log.note(id(1), { ...packet(0), bytes });
  bytes.fill(0);
  assert.deepEqual([...(log.of(id(1))[0]?.bytes ?? [])], [1, 2, 3]);
});
