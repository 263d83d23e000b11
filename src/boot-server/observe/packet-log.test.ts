import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { MachineId } from "../../core/machine/record.ts";
import { type Ipv4, noAddress } from "../../core/net/ipv4.ts";
import { type LoggedPacket, openPacketLog } from "./packet-log.ts";

const packet = (atMs: number, bytes = 100): LoggedPacket => ({
  ...{ atMs, direction: "in", protocol: "dhcp", bytes: new Uint8Array(bytes) },
  ...{ source: { address: noAddress, port: 68 }, destination: { address: 0x0a4d0001 as Ipv4, port: 67 } },
});
const id = (n: number) => `m-${n}` as MachineId;

test("the last fifty packets of a machine are kept, oldest first", () => {
  const log = openPacketLog();
  for (let atMs = 0; atMs < 120; atMs += 1) log.note(id(1), packet(atMs));
  const kept = log.of(id(1)).map(({ atMs }) => atMs);
  assert.deepEqual([kept.length, kept[0], kept[49]], [50, 70, 119]);
  assert.deepEqual(log.of(id(2)), []);
});

test("a fleet's packets stay within their memory: the machine not heard for longest is forgotten first", () => {
  const log = openPacketLog(10_000);
  for (let n = 0; n < 100; n += 1) {
    log.note(id(n), packet(n));
    log.note(id(0), packet(n));
  }
  const remembered = Array.from({ length: 100 }, (_, n) => n).filter((n) => log.of(id(n)).length > 0);
  assert.ok(remembered.includes(0) && remembered.includes(99));
  assert.ok(!remembered.includes(1));
});

test("forgotten packets free their memory: after a long time as many are remembered as at first", () => {
  const log = openPacketLog(100_000);
  const remembered = (before: number) =>
    Array.from({ length: before }, (_, n) => n).filter((n) => log.of(id(n)).length > 0);
  const counts = [200, 4000].map((count) => {
    for (let n = 0; n < count; n += 1) log.note(id(n), packet(n, n % 3 === 0 ? 1200 : 300));
    return remembered(count).length;
  });
  assert.ok((counts[0] ?? 0) > 60 && Math.abs((counts[0] ?? 0) - (counts[1] ?? 0)) <= 1, String(counts));
});

test("a stored packet does not change when the socket's buffer is reused", () => {
  const log = openPacketLog();
  const bytes = Uint8Array.of(1, 2, 3);
  log.note(id(1), { ...packet(0), bytes });
  bytes.fill(0);
  assert.deepEqual([...(log.of(id(1))[0]?.bytes ?? [])], [1, 2, 3]);
});

test("compared with a log that keeps everything: only machines not heard for longest are forgotten, and of others only packets that are too old", () => {
  const noted = fc.record({ n: fc.integer({ min: 0, max: 5 }), bytes: fc.constantFrom(0, 3, 300, 512, 513, 1500) });
  fc.assert(
    fc.property(fc.array(noted, { maxLength: 400 }), fc.constantFrom(5_000, 100_000, 1e9), (notes, limitBytes) => {
      const log = openPacketLog(limitBytes);
      const account = new Map<number, LoggedPacket[]>();
      for (const [atMs, { n, bytes }] of notes.entries()) {
        const one = { ...packet(atMs), bytes: new Uint8Array(bytes).fill(atMs) };
        log.note(id(n), one);
        const all = account.get(n) ?? [];
        account.delete(n);
        account.set(n, [...all, one].slice(-50));
        // Forgotten machines were last heard before all others.
        const received = [...account.keys()];
        const silent = received.filter((other) => log.of(id(other)).length === 0);
        assert.deepEqual(silent, received.slice(0, silent.length));
        assert.ok(!silent.includes(n));
        for (const other of silent) account.delete(other);
      }
      for (const [n, kept] of account) assert.deepEqual(log.of(id(n)), kept);
      const keptBytes = [...account.values()].flat().reduce((sum, { bytes }) => sum + bytes.length + 400, 0);
      assert.ok(account.size <= 1 || keptBytes <= limitBytes);
      if (limitBytes === 1e9) assert.equal(account.size, new Set(notes.map(({ n }) => n)).size);
    }),
  );
});
