import type { SlotView } from "../../contract/operator/fleet-views.ts";
import { fleetRows, peekRows } from "../data/fleet.ts";
import { expectedSlots } from "../data/plan.ts";
import type { Row } from "../data/row.ts";
import { nowMs } from "../shell/clock.ts";
import type { Colouring } from "./colours.ts";
import {
  cornerOf,
  type Layout,
  layoutFor,
  type RackSlots,
  racksOf,
  type Slot,
  type SlotContent,
  slotAt,
} from "./layout.ts";
import { Painter, type Picture } from "./painter.ts";

/** What the operator chose to see. */
type Shown = {
  readonly colouring: Colouring;
  readonly scores: ReadonlyMap<string, number> | undefined;
  readonly found: ReadonlySet<string> | undefined;
};

/** The picture of the fleet: keeps the racks in order, and draws what changed. */
export class ElevationView {
  readonly #painter: Painter;
  readonly #box: HTMLElement;
  readonly #canvas: HTMLCanvasElement;
  #shown: Shown = { colouring: "phase", scores: undefined, found: undefined };
  #racks: readonly RackSlots[] = [];
  #slots = new Map<string, Slot>();
  /** Where each machine was when the racks were put in order. */
  #keys = new Map<string, string>();
  #layout: Layout | undefined;
  #at: Slot | undefined;

  constructor(canvas: HTMLCanvasElement, box: HTMLElement) {
    this.#canvas = canvas;
    this.#box = box;
    this.#painter = new Painter(canvas);
    this.#arrange();
  }

  /** Colours by something else, or fades what a filter does not find. */
  show(shown: Shown): void {
    this.#shown = shown;
    this.redraw();
  }

  /** Draws everything, for example after the size or the theme changed. */
  redraw(): void {
    const units = Math.max(1, ...this.#racks.map(({ slots }) => slots.length));
    const { clientWidth, clientHeight } = this.#box;
    // The line below says what the chosen slot is.
    const height = Math.max(120, clientHeight - 24);
    this.#layout = layoutFor({ racks: this.#racks.length, units, width: Math.max(200, clientWidth - 2), height });
    this.#painter.drawAll(this.#picture(this.#layout));
  }

  /** Draws machines that changed; all racks if one of them has another place. */
  changed(ids: ReadonlySet<string>): void {
    const rows = peekRows();
    for (const id of ids) {
      const row = rows.get(id);
      if ((row === undefined ? undefined : placeKey(row)) === this.#keys.get(id)) continue;
      this.#arrange();
      this.redraw();
      return;
    }
    if (this.#layout === undefined) return;
    const picture = this.#picture(this.#layout);
    for (const id of ids) {
      const slot = this.#slots.get(id);
      if (slot !== undefined) this.#painter.drawSlot(picture, slot);
    }
  }

  /** Marks a slot in place of the one before. */
  point(slot: Slot | undefined): void {
    const before = this.#at;
    this.#at = slot;
    if (this.#layout === undefined) return;
    const picture = this.#picture(this.#layout);
    for (const one of [before, slot]) if (one !== undefined) this.#painter.drawSlot(picture, one);
    if (slot !== undefined) this.#scrollTo(slot, this.#layout);
  }

  /** The machine in a slot. */
  rowAt(slot: Slot | undefined): Row | undefined {
    const content = this.#contentOf(slot);
    return content?.kind === "machine" ? fleetRows().get(content.id) : undefined;
  }

  /** The plan of a slot that was never heard from. */
  planAt(slot: Slot | undefined): SlotView | undefined {
    const content = this.#contentOf(slot);
    return content?.kind === "expected" ? content.plan : undefined;
  }

  /** The slots of the plan are others. */
  planned(): void {
    this.#arrange();
    this.redraw();
  }

  /** The slot under the pointer. */
  slotUnder(event: MouseEvent): Slot | undefined {
    if (this.#layout === undefined) return undefined;
    const { left, top } = this.#canvas.getBoundingClientRect();
    const slot = slotAt(event.clientX - left, event.clientY - top, this.#layout);
    const rack = slot === undefined ? undefined : this.#racks[slot.rack];
    return slot === undefined || rack === undefined || slot.unit >= rack.slots.length ? undefined : slot;
  }

  /** The slot that a key leads to; undefined for other keys. */
  walk(from: Slot | undefined, key: string): Slot | undefined {
    const at = from ?? { rack: 0, unit: 0 };
    const perRow = this.#layout?.perRow ?? 1;
    const height = this.#racks[at.rack]?.slots.length ?? 1;
    const moved: { readonly [key: string]: Slot | undefined } = {
      ArrowUp: at.unit + 1 < height ? { ...at, unit: at.unit + 1 } : { rack: at.rack - perRow, unit: 0 },
      ArrowDown: at.unit > 0 ? { ...at, unit: at.unit - 1 } : { rack: at.rack + perRow, unit: Number.MAX_SAFE_INTEGER },
      ArrowLeft: { ...at, rack: at.rack - 1 },
      ArrowRight: { ...at, rack: at.rack + 1 },
      Home: { rack: 0, unit: 0 },
      End: { rack: this.#racks.length - 1, unit: 0 },
    };
    const next = moved[key];
    if (next === undefined) return undefined;
    const rack = this.#racks[next.rack];
    return rack === undefined ? at : { rack: next.rack, unit: Math.min(next.unit, rack.slots.length - 1) };
  }

  #contentOf(slot: Slot | undefined): SlotContent {
    return slot === undefined ? undefined : this.#racks[slot.rack]?.slots[slot.unit];
  }

  #picture(layout: Layout): Picture {
    const { colouring, scores, found } = this.#shown;
    const rows = peekRows();
    const images = colouring === "image" ? imagesOf(rows.values()) : [];
    const context = { nowMs: nowMs.peek(), images, scores };
    const hasPlan = expectedSlots.peek().length > 0;
    return { racks: this.#racks, rows, layout, colouring, context, found, at: this.#at, hasPlan };
  }

  #arrange(): void {
    const rows = peekRows();
    this.#racks = racksOf(rows.values(), expectedSlots.peek());
    this.#slots = new Map();
    for (const [rack, { slots }] of this.#racks.entries())
      for (const [unit, content] of slots.entries())
        if (content?.kind === "machine") this.#slots.set(content.id, { rack, unit });
    this.#keys = new Map([...rows].map(([id, row]) => [id, placeKey(row)]));
  }

  #scrollTo(slot: Slot, layout: Layout): void {
    const { y } = cornerOf(slot, layout);
    const box = this.#box;
    if (y < box.scrollTop) box.scrollTop = y - layout.rackHeight;
    else if (y + layout.cellHeight > box.scrollTop + box.clientHeight) box.scrollTop = y - box.clientHeight / 2;
  }
}

function placeKey({ rack, unit, network, name }: Row): string {
  return rack === undefined ? `? ${network} ${name}` : `${rack} ${unit}`;
}

/** The images of a fleet, the most frequent first. */
export function imagesOf(rows: Iterable<Row>): readonly string[] {
  const counts = new Map<string, number>();
  for (const { image } of rows) if (image !== undefined) counts.set(image, (counts.get(image) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a).map(([image]) => image);
}
