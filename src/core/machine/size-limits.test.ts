import assert from "node:assert/strict";
import { test } from "node:test";
import type { MachineEvent } from "./event.ts";
import type { Machine, MachineId } from "./record.ts";
import { type LargeEvents, largeRecords, sizeLimits, sizeOf, whyTooLarge } from "./size-limits.ts";

const minuteMs = 60_000;
const idOf = (machine: number) => `m-02000000000${machine}` as MachineId;

function stalled(characters: number, machine = 1): MachineEvent {
  return { kind: "stalled", id: idOf(machine), reason: "x".repeat(characters) };
}

function ask(spent: LargeEvents, event: MachineEvent, atMs: number): string | undefined {
  return whyTooLarge(spent, { event, size: sizeOf(event) }, atMs)?.kind;
}

/** Spends the budget of a machine; returns the number of accepted events. */
function spend(spent: LargeEvents, atMs: number, machine = 1): number {
  let accepted = 0;
  while (ask(spent, stalled(40_000, machine), atMs) === undefined) accepted += 1;
  return accepted;
}

test("an event alone: small ones are not counted, one beyond the limit is refused", () => {
  const spent: LargeEvents = new Map();
  assert.deepEqual([ask(spent, stalled(100), 0), spent.size], [undefined, 0]);
  assert.deepEqual([ask(spent, stalled(sizeLimits.event), 0), spent.size], ["tooLarge", 0]);
});

test("large events of a minute: each machine has a budget of its own, which the next minute renews", () => {
  const spent: LargeEvents = new Map();
  const full = Math.floor(sizeLimits.largePerMinute / sizeOf(stalled(40_000)));
  assert.equal(spend(spent, 0), full);
  assert.equal(spend(spent, 0, 2), full);
  assert.equal(spend(spent, minuteMs - 1), 0);
  assert.equal(spend(spent, minuteMs), full);
});

test("a machine that is heard no more is forgotten, and a clock that jumped keeps no budget spent", () => {
  const spent: LargeEvents = new Map();
  spend(spent, 0);
  spend(spent, minuteMs, 2);
  assert.equal(spent.size, 1);
  const tenYearsMs = 10 * 365 * 24 * 60 * minuteMs;
  for (const atMs of [tenYearsMs, minuteMs, -tenYearsMs]) assert.ok(spend(spent, atMs, 2) > 0, `at ${atMs}`);
  // Behind one that came later by a clock that was ahead.
  const mixed: LargeEvents = new Map();
  spend(mixed, tenYearsMs, 3);
  mixed.set(idOf(4), { sinceMs: 0, characters: sizeLimits.largePerMinute });
  assert.ok(spend(mixed, tenYearsMs, 4) > 0);
});

test("large records: beyond the budget of the fleet none may grow, but it may shrink, and others may be usual", () => {
  const record = (machine: number, characters: number) =>
    ({ id: idOf(machine), network: "x".repeat(characters) }) as Machine;
  const large = largeRecords(100_000);
  const ask = (machine: number, characters: number) =>
    large.whyTooLarge(record(machine, characters), sizeLimits.measured + 1)?.kind;
  assert.equal(ask(1, sizeLimits.record), "tooLarge");
  assert.deepEqual([ask(1, 60_000), ask(2, 60_000)], [undefined, undefined]);
  assert.equal(ask(3, 60_000), "tooLarge");
  assert.equal(ask(2, 61_000), undefined, "there is room for a little");
  assert.equal(ask(3, sizeLimits.usualRecord - 1000), undefined);
  assert.equal(ask(2, 20_000), undefined);
  assert.equal(ask(3, 60_000), undefined, "what another gave back");
  assert.equal(ask(4, 60_000), "tooLarge");
  large.forget(idOf(1));
  assert.equal(ask(4, 60_000), undefined);
});
