import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { MachineId } from "../machine/record.ts";
import { excessText, groupsOf, type Owned, type Ownership, weighSending } from "./blast-radius.ts";

const hourMs = 3_600_000;
const limits = { machines: 2, percent: 10, perSeconds: 3600 };
const id = (n: number) => `m-${n}` as MachineId;
const ids = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => id(from + n));
/** Machines 1 to 50 belong to `web`, 51 to 55 to `db` and 56 to 60 to nobody. */
const fleet: readonly Owned[] = ids(1, 60).map((id, n) => ({
  id,
  ...(n < 50 ? { groups: ["web"] } : n < 55 ? { groups: ["db"] } : {}),
}));
const sentAt = (times: ReadonlyMap<MachineId, number>) =>
  fleet.map((machine) => {
    const atMs = times.get(machine.id);
    return atMs === undefined ? machine : { ...machine, sentAway: { atMs } };
  });
function ownershipOf(fleet: readonly Owned[]): Ownership {
  const sizes = new Map<string, number>();
  for (const name of fleet.flatMap((machine) => [...groupsOf(machine)])) sizes.set(name, (sizes.get(name) ?? 0) + 1);
  return { sizes, sentAway: fleet.filter(({ sentAway }) => sentAway !== undefined) };
}
const weighIn = (fleet: readonly Owned[], targets: readonly MachineId[], nowMs: number) =>
  weighSending({
    targets: fleet.filter(({ id }) => targets.includes(id)),
    ...{ fleet: ownershipOf(fleet), limits, nowMs },
  });
const weigh = (targets: readonly MachineId[], sent: readonly (readonly [number, number])[] = [], nowMs = hourMs) =>
  weighIn(sentAt(new Map(sent.map(([n, atMs]) => [id(n), atMs]))), targets, nowMs);

describe("blast radius", () => {
  test("ten percent of a large group, two of a small one, two of those without a group", () => {
    assert.deepEqual(weigh(ids(1, 5)), []);
    assert.deepEqual(weigh(ids(1, 6)), [{ group: "web", size: 50, limit: 5, sent: 0, asked: 6 }]);
    assert.deepEqual(weigh(ids(51, 52)), []);
    assert.deepEqual(
      weigh([...ids(51, 53), ...ids(56, 58)]).map(({ group }) => group),
      ["db", ""],
    );
  });

  test("machines sent within the hour count once each, and are then forgotten", () => {
    const sendings = [1, 2, 3, 4].map((n) => [n, n * 1000] as const);
    assert.deepEqual(weigh([id(9)], sendings), []);
    assert.deepEqual(weigh([id(3), id(4)], sendings), []);
    assert.deepEqual(weigh([id(8), id(9)], sendings), [
      { group: "web", size: 50, limit: 5, sent: 4, asked: 2, freeAtMs: hourMs + 1000 },
    ]);
    assert.deepEqual(weigh([id(8), id(9)], sendings, hourMs + 999).length, 1);
    assert.deepEqual(weigh([id(8), id(9)], sendings, hourMs + 1000), []);
  });

  test("a machine of two groups counts in both", () => {
    const shared = { id: id(70), groups: ["web", "db"] };
    const sent = sentAt(new Map([51, 52].map((n) => [id(n), hourMs])));
    const excess = weighIn([...sent, shared], [id(70)], hourMs);
    assert.deepEqual(
      excess.map(({ group, sent }) => [group, sent]),
      [["db", 2]],
    );
    assert.match(
      excessText(excess[0] ?? assert.fail(), limits),
      /^expected at most 2 of the 6 machines of group db within an hour, found 1 requested and 2 already sent$/,
    );
  });

  test("for any requests in any order, no group loses more than its limit within the period", () => {
    const step = fc.record({
      targets: fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 8 }),
      waitMs: fc.nat(hourMs),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let nowMs = hourMs;
        const sent = new Map<MachineId, number>();
        for (const { targets, waitMs } of steps) {
          nowMs += waitMs;
          const wanted = targets.map(id);
          const excess = weighIn(sentAt(sent), wanted, nowMs);
          if (excess.length === 0) for (const one of wanted) sent.set(one, nowMs);
          for (const { freeAtMs } of excess) {
            if (freeAtMs === undefined) continue;
            assert.ok(freeAtMs > nowMs);
          }
          const recent = new Set([...sent].filter(([, atMs]) => atMs > nowMs - hourMs).map(([id]) => id));
          const lost = (from: number, to: number) => ids(from, to).filter((id) => recent.has(id)).length;
          assert.ok(lost(1, 50) <= 5 && lost(51, 55) <= 2 && lost(56, 60) <= 2);
        }
      }),
    );
  });
});
