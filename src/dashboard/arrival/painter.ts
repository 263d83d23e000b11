import { conditionsOf, type Row } from "../data/row.ts";
import { type ColourContext, type Colouring, colourOf } from "./colours.ts";
import { cornerOf, type Layout, labelHeight, type RackSlots, type Slot } from "./layout.ts";

/** Everything that a picture of the fleet is made of. */
export type Picture = {
  readonly racks: readonly RackSlots[];
  readonly rows: ReadonlyMap<string, Row>;
  readonly layout: Layout;
  readonly colouring: Colouring;
  readonly context: ColourContext;
  /** The machines that the filter finds; undefined for all. Others fade. */
  readonly found: ReadonlySet<string> | undefined;
  readonly at: Slot | undefined;
  /** Whether the configuration says which slots are expected: only those are hollow. */
  readonly hasPlan: boolean;
};

/** Draws slots on a canvas: all of them, or only those that changed (0.1 ms for 170 of 10,000). */
export class Painter {
  readonly #pen: CanvasRenderingContext2D;
  #tokens = new Map<string, string>();

  constructor(canvas: HTMLCanvasElement) {
    const pen = canvas.getContext("2d", { alpha: false });
    if (pen === null) throw new Error("this browser has no canvas");
    this.#pen = pen;
  }

  /** Fits the canvas to the picture and draws everything. */
  drawAll(picture: Picture): void {
    const pen = this.#pen;
    const { layout, racks } = picture;
    const scale = devicePixelRatio;
    this.#tokens = new Map();
    pen.canvas.width = Math.round(layout.width * scale);
    pen.canvas.height = Math.round(layout.height * scale);
    pen.canvas.style.width = `${layout.width}px`;
    pen.canvas.style.height = `${layout.height}px`;
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.fillStyle = this.#colour("--back");
    pen.fillRect(0, 0, layout.width, layout.height);
    pen.font = "10px system-ui, sans-serif";
    pen.textBaseline = "top";
    for (const [rack, { name, isPlaced, slots }] of racks.entries()) {
      const { x, y } = cornerOf({ rack, unit: layout.units - 1 }, layout);
      pen.fillStyle = this.#colour(isPlaced ? "--quiet" : "--warn");
      pen.fillText(fitted(pen, isPlaced ? name : `? ${name}`, layout.rackWidth - 2), x, y - labelHeight + 2);
      for (let unit = 0; unit < slots.length; unit += 1) this.drawSlot(picture, { rack, unit });
    }
  }

  /** Draws one slot. */
  drawSlot(picture: Picture, slot: Slot): void {
    const { layout, rows, racks, found, at, hasPlan } = picture;
    const content = racks[slot.rack]?.slots[slot.unit];
    const pen = this.#pen;
    const { x, y } = cornerOf(slot, layout);
    const { cellWidth: width } = layout;
    const height = layout.cellHeight - 1;
    pen.globalAlpha = 1;
    pen.fillStyle = this.#colour("--back");
    pen.fillRect(x - 1, y - 1, width + 2, height + 2);
    const row = content?.kind === "machine" ? rows.get(content.id) : undefined;
    if (row === undefined && (content?.kind === "expected" || !hasPlan)) {
      // Hollow: no machine was heard there. Without a plan nobody knows whether one should be.
      pen.strokeStyle = this.#colour(content?.kind === "expected" ? "--quiet" : "--line");
      pen.lineWidth = 1;
      pen.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
    } else if (row !== undefined) {
      pen.globalAlpha = found === undefined || found.has(row.id) ? 1 : 0.18;
      pen.fillStyle = this.#colour(`--stage-${colourOf(row, picture.colouring, picture.context)}`);
      pen.fillRect(x, y, width, height);
      this.#drawConditions(row, { x, y, width, height });
    }
    pen.globalAlpha = 1;
    if (at?.rack !== slot.rack || at.unit !== slot.unit) return;
    pen.strokeStyle = this.#colour("--focus");
    pen.lineWidth = 2;
    pen.strokeRect(x, y, width, height);
  }

  /** Position and form say what colour alone must not: a block at the right end for trouble, bars for a hold. */
  #drawConditions(row: Row, cell: { x: number; y: number; width: number; height: number }): void {
    const [kind] = conditionsOf(row);
    if (kind === undefined) return;
    const pen = this.#pen;
    const { x, y, width, height } = cell;
    const third = Math.max(3, Math.floor(width / 3));
    if (kind === "hold" || kind === "maintenance" || kind === "waiting" || kind === "retired") {
      pen.fillStyle = this.#colour("--text");
      const bar = Math.max(1, Math.floor(width / 12));
      pen.fillRect(x + width - third, y, bar, height);
      pen.fillRect(x + width - third + 2 * bar + 1, y, bar, height);
      return;
    }
    pen.fillStyle = this.#colour("--back");
    pen.fillRect(x + width - third - 1, y, 1, height);
    pen.fillStyle = this.#colour("--cell-bad");
    pen.fillRect(x + width - third, y, third, height);
  }

  #colour(token: string): string {
    const known = this.#tokens.get(token);
    if (known !== undefined) return known;
    const colour = getComputedStyle(document.documentElement).getPropertyValue(token).trim();
    this.#tokens.set(token, colour);
    return colour;
  }
}

function fitted(pen: CanvasRenderingContext2D, text: string, width: number): string {
  let shown = text;
  while (shown.length > 1 && pen.measureText(shown).width > width) shown = shown.slice(0, -1);
  return shown;
}
