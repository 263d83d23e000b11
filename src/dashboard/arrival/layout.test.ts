import assert from "node:assert/strict";
import { test } from "node:test";
import type { Row } from "../data/row.ts";
import { cornerOf, layoutFor, racksOf, slotAt } from "./layout.ts";

const row = (id: string, more: Partial<Row> = {}): Row => ({
  id,
  name: id,
  status: "arriving",
  conditions: 0,
  ...more,
});

const machine = (id: string) => ({ kind: "machine", id }) as const;

test("racks are in their natural order, units from the bottom up, empty slots where no machine was heard", () => {
  const racks = racksOf([
    row("a", { rack: "10", unit: "1" }),
    row("b", { rack: "9", unit: "3" }),
    row("c", { rack: "9", unit: "1" }),
    row("d", { network: "east" }),
  ]);
  assert.deepEqual(racks, [
    { name: "9", isPlaced: true, slots: [machine("c"), undefined, machine("b")] },
    { name: "10", isPlaced: true, slots: [machine("a")] },
    { name: "east", isPlaced: false, slots: [machine("d")] },
  ]);
});

test("slots of the plan that were never heard from are in the picture, also where a whole rack is silent", () => {
  const slot = (rack: string, unit: string) => ({ rack, unit, switch: `tor-${rack}`, port: `swp${unit}` });
  const plan = ["1", "2", "3"].flatMap((unit) => [slot("7", unit), slot("8", unit)]);
  const expected = (rack: string, unit: string) => ({ kind: "expected", plan: slot(rack, unit) });
  assert.deepEqual(racksOf([row("a", { rack: "7", unit: "2" }), row("b", { rack: "7", unit: "5" })], plan), [
    {
      ...{ name: "7", isPlaced: true },
      slots: [expected("7", "1"), machine("a"), expected("7", "3"), undefined, machine("b")],
    },
    { name: "8", isPlaced: true, slots: [expected("8", "1"), expected("8", "2"), expected("8", "3")] },
  ]);
});

test("units that are no numbers, double or beyond any rack are in their order, and none is lost", () => {
  for (const units of [
    ["swp2", "swp10"],
    ["1", "1"],
    ["4000000000", "5"],
    ["1", "65"],
  ]) {
    const [rack] = racksOf(units.map((unit, at) => row(`m${at}`, { rack: "1", unit })));
    assert.deepEqual(new Set(rack?.slots.map((slot) => slot?.kind === "machine" && slot.id)), new Set(["m0", "m1"]));
    assert.equal(rack?.slots.length, 2);
  }
});

test("100 racks of 40 fit on both screens, 10,000 machines too; every point of a cell is its slot", () => {
  for (const [racks, width, height] of [
    [100, 1256, 440],
    [100, 1896, 780],
    [250, 1896, 780],
    [1, 300, 200],
  ] as const) {
    const layout = layoutFor({ racks, units: 40, width, height });
    assert.ok(layout.height <= height && layout.perRow * layout.rackWidth <= width, JSON.stringify(layout));
    assert.ok(layout.cellHeight >= 4 && layout.cellWidth >= 8, JSON.stringify(layout));
    for (const slot of [
      { rack: 0, unit: 0 },
      { rack: racks - 1, unit: 39 },
      { rack: racks >> 1, unit: 17 },
    ]) {
      const { x, y } = cornerOf(slot, layout);
      assert.deepEqual(slotAt(x, y, layout), slot);
      assert.deepEqual(slotAt(x + layout.cellWidth - 1, y + layout.cellHeight - 1, layout), slot);
    }
  }
});

test("what fits nowhere is higher than its place, with cells that can still be hit", () => {
  const layout = layoutFor({ racks: 2500, units: 40, width: 1200, height: 500 });
  assert.ok(layout.height > 500 && layout.cellHeight >= 4 && layout.cellWidth >= 16);
});
