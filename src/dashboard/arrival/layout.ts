import type { SlotView } from "../../contract/operator/fleet-views.ts";
import type { Row } from "../data/row.ts";
import { compareNatural } from "../text/natural-order.ts";

/** A slot of a rack: the machine in it, or the plan of one that was never heard from; undefined where neither is. */
export type SlotContent =
  | { readonly kind: "machine"; readonly id: string }
  | { readonly kind: "expected"; readonly plan: SlotView }
  | undefined;

/** A rack in the picture: its slots from the bottom up. */
export type RackSlots = {
  readonly name: string;
  readonly isPlaced: boolean;
  readonly slots: readonly SlotContent[];
};

/** The number of machines in a column of those that have no place yet. */
const trayHeight = 40;
/** Units beyond this are no numbers of slots: then the machines of a rack are in their order. */
const highestUnit = 64;

/**
 * The racks of a fleet and of its plan in their natural order, then the machines that have no place yet, by network. The units of
 * a slot of the plan that was never heard from, with or without a machine in its rack, are hollow.
 */
export function racksOf(rows: Iterable<Row>, plan: readonly SlotView[] = []): readonly RackSlots[] {
  const racks = new Map<string, Row[]>();
  const trays = new Map<string, Row[]>();
  for (const row of rows) {
    const [groups, key] = row.rack === undefined ? [trays, row.network ?? "no network"] : [racks, row.rack];
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  const planned = new Map<string, SlotView[]>();
  for (const slot of plan) {
    const group = planned.get(slot.rack);
    if (group === undefined) planned.set(slot.rack, [slot]);
    else group.push(slot);
  }
  const names = [...new Set([...racks.keys(), ...planned.keys()])].sort(compareNatural);
  const placed = names.map((name) => ({
    ...{ name, isPlaced: true },
    slots: slotsOf(racks.get(name) ?? [], planned.get(name) ?? []),
  }));
  const tray = [...trays]
    .sort(([a], [b]) => compareNatural(a, b))
    .flatMap(([name, machines]) => trayOf(name, machines));
  return [...placed, ...tray];
}

/** The machines of a rack, and the slots of its plan in which none is. */
function slotsOf(machines: readonly Row[], planned: readonly SlotView[]): SlotContent[] {
  const heard = new Set(machines.map(({ unit }) => unit));
  const missing = planned.filter(({ unit }) => !heard.has(unit));
  const all = [
    ...machines.map(({ id, unit = "" }) => ({ unit, content: { kind: "machine", id } as SlotContent })),
    ...missing.map((plan) => ({ unit: plan.unit, content: { kind: "expected", plan } as SlotContent })),
  ];
  const numbers = all.map(({ unit }) => (/^\d{1,2}$/.test(unit) ? Number(unit) : Number.NaN));
  const areSlots = numbers.every((unit) => unit <= highestUnit) && new Set(numbers).size === numbers.length;
  if (!areSlots) return all.sort((a, b) => compareNatural(a.unit, b.unit)).map(({ content }) => content);
  // Racks whose units begin with 1 have no empty slot at the bottom.
  const first = Math.min(1, ...numbers);
  const slots = new Array<SlotContent>(Math.max(...numbers) - first + 1).fill(undefined);
  for (const [at, { content }] of all.entries()) slots[(numbers[at] ?? 0) - first] = content;
  return slots;
}

function trayOf(network: string, machines: readonly Row[]): RackSlots[] {
  const ids = [...machines]
    .sort((a, b) => compareNatural(a.name, b.name))
    .map(({ id }) => ({ kind: "machine", id }) as const);
  const columns: RackSlots[] = [];
  for (let at = 0; at < ids.length; at += trayHeight) {
    columns.push({ name: network, isPlaced: false, slots: ids.slice(at, at + trayHeight) });
  }
  return columns;
}

/** Where everything is, in pixels of the page. */
export type Layout = {
  readonly width: number;
  readonly height: number;
  readonly perRow: number;
  readonly cellWidth: number;
  readonly cellHeight: number;
  /** From one rack to the next. */
  readonly rackWidth: number;
  readonly rackHeight: number;
  readonly units: number;
};

/** The height of a rack's name, and the space between racks. */
export const labelHeight = 14;
const gap = 4;
const [leastCell, highestCell, widestCell] = [4, 16, 64];
/** A cell looks like a machine in a rack: about this many times as wide as it is high. */
const aspect = 5;

/** The largest cells with which all racks fit; if none fit, the smallest, and the picture is higher than its place. */
export function layoutFor(of: {
  readonly racks: number;
  readonly units: number;
  readonly width: number;
  readonly height: number;
}): Layout {
  const { racks, units, width, height } = of;
  let best: Layout | undefined;
  let bestScore = 0;
  for (let rows = 1; rows <= Math.max(1, racks); rows += 1) {
    const perRow = Math.max(1, Math.ceil(racks / rows));
    const rackWidth = Math.min(widestCell + gap, Math.floor(width / perRow));
    const rackHeight = Math.floor(height / rows);
    const cellWidth = rackWidth - gap;
    const cellHeight = Math.min(highestCell, Math.floor((rackHeight - labelHeight - gap) / Math.max(1, units)));
    if (cellWidth < 2 || cellHeight < leastCell) continue;
    const score = Math.min(cellWidth, cellHeight * aspect);
    if (score <= bestScore) continue;
    bestScore = score;
    const used = cellHeight * units + labelHeight + gap;
    best = { width, height: used * rows, perRow, cellWidth, cellHeight, rackWidth, rackHeight: used, units };
  }
  if (best !== undefined) return best;
  const perRow = Math.max(1, Math.floor(width / (leastCell * aspect + gap)));
  const rackHeight = leastCell * units + labelHeight + gap;
  const rows = Math.max(1, Math.ceil(racks / perRow));
  const rackWidth = Math.floor(width / perRow);
  const cells = { cellWidth: rackWidth - gap, cellHeight: leastCell };
  return { width, height: rackHeight * rows, perRow, ...cells, rackWidth, rackHeight, units };
}

/** A slot in the picture: the number of its rack, and its unit from the bottom. */
export type Slot = { readonly rack: number; readonly unit: number };

/** The upper left corner of a slot. */
export function cornerOf({ rack, unit }: Slot, layout: Layout): { readonly x: number; readonly y: number } {
  const { perRow, rackWidth, rackHeight, units, cellHeight } = layout;
  const x = (rack % perRow) * rackWidth;
  const y = Math.floor(rack / perRow) * rackHeight + labelHeight + (units - 1 - unit) * cellHeight;
  return { x, y };
}

/** The slot at a point; undefined between slots. */
export function slotAt(x: number, y: number, layout: Layout): Slot | undefined {
  const { perRow, rackWidth, rackHeight, units, cellHeight, cellWidth } = layout;
  const column = Math.floor(x / rackWidth);
  const row = Math.floor(y / rackHeight);
  const inside = y - row * rackHeight - labelHeight;
  if (column >= perRow || column < 0 || x - column * rackWidth >= cellWidth || inside < 0) return undefined;
  const unit = units - 1 - Math.floor(inside / cellHeight);
  return unit < 0 || unit >= units ? undefined : { rack: row * perRow + column, unit };
}
