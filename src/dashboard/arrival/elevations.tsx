import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { SlotView } from "../../contract/operator/fleet-views.ts";
import { describeProgress } from "../../core/machine/work-progress.ts";
import { acting } from "../acts/acting.ts";
import { onChanged } from "../data/fleet.ts";
import { expectedSlots } from "../data/plan.ts";
import { conditionsOf, type Row } from "../data/row.ts";
import { mayAct } from "../data/session.ts";
import { selectedIds } from "../list/selection.ts";
import { go, machinePath } from "../route/route.ts";
import { nowMs } from "../shell/clock.ts";
import { theme } from "../shell/preferences.ts";
import { durationText } from "../text/time.ts";
import type { Colouring } from "./colours.ts";
import { ElevationView } from "./elevation-view.ts";
import type { Slot } from "./layout.ts";

type Made = { readonly current: ElevationView | undefined };

/** Makes the picture where its canvas is, and ends it with its screen. */
function useView({ box, canvas, view }: UseView): void {
  useLayoutEffect(() => {
    if (canvas.current === null || box.current === null) return;
    const made = new ElevationView(canvas.current, box.current);
    view.current = made;
    const end = onChanged((ids) => made.changed(ids));
    const watch = new ResizeObserver(() => made.redraw());
    watch.observe(box.current);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const recolour = () => made.redraw();
    dark.addEventListener("change", recolour);
    const endPlan = expectedSlots.subscribe(() => made.planned());
    return () => {
      end();
      endPlan();
      watch.disconnect();
      dark.removeEventListener("change", recolour);
    };
  }, []);
}

type UseView = {
  readonly box: { readonly current: HTMLDivElement | null };
  readonly canvas: { readonly current: HTMLCanvasElement | null };
  readonly view: { current: ElevationView | undefined };
};

const ageEveryMs = 10_000;

/** Draws anew what time alone changes: the colour of a machine that stays where it is. */
function useAgeing(view: Made, colouring: Colouring): void {
  useLayoutEffect(() => {
    if (colouring !== "age") return;
    const timer = setInterval(() => {
      if (!document.hidden) view.current?.redraw();
    }, ageEveryMs);
    return () => clearInterval(timer);
  }, [colouring]);
}

type Coloured = { readonly colouring: Colouring; readonly scores: ReadonlyMap<string, number> | undefined };

/** All racks on one canvas. The arrows walk through the slots, and a screen reader hears each. */
export function Elevations({ colouring, scores }: Coloured) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const view = useRef<ElevationView>();
  const at = useSignal<Slot | undefined>(undefined);
  const found = selectedIds.value;
  // Read for its changes: the text of the chosen slot depends on it.
  void expectedSlots.value;
  useView({ box, canvas, view });
  useAgeing(view, colouring);
  useLayoutEffect(() => {
    view.current?.show({ colouring, scores, found });
  }, [colouring, scores, found, theme.value]);
  const choose = (slot: Slot | undefined) => {
    at.value = slot;
    view.current?.point(slot);
  };
  const rowAtSlot = () => view.current?.rowAt(at.value);
  const press = (event: KeyboardEvent) => {
    const row = rowAtSlot();
    if (event.key === "Enter" && row !== undefined) go(machinePath(row.name));
    else if (event.key === "." && row !== undefined && mayAct("operator"))
      acting.value = { targets: [{ id: row.id, name: row.name }] };
    else {
      const next = view.current?.walk(at.value, event.key);
      if (next === undefined) return;
      choose(next);
    }
    event.preventDefault();
  };
  const row = rowAtSlot();
  return (
    <div
      ref={box}
      class="elevations"
      role="listbox"
      tabIndex={0}
      aria-label="slots; the arrows walk through them, Enter opens a machine"
      aria-activedescendant="slot"
      onKeyDown={press}
      onFocus={() => {
        if (at.value === undefined) choose({ rack: 0, unit: 0 });
      }}
      onMouseMove={(event) => choose(view.current?.slotUnder(event) ?? at.value)}
      onClick={(event) => {
        choose(view.current?.slotUnder(event));
        const clicked = rowAtSlot();
        if (clicked !== undefined) go(machinePath(clicked.name));
      }}
    >
      <div aria-hidden="true">
        <canvas ref={canvas} />
      </div>
      <div role="option" id="slot" aria-selected="true" class="slot-text">
        {at.value === undefined
          ? "point at a slot"
          : row === undefined
            ? emptyText(view.current?.planAt(at.value))
            : textOf(row)}
      </div>
    </div>
  );
}

function emptyText(plan: SlotView | undefined): string {
  if (plan === undefined) return "no machine was heard in this slot";
  const { rack, unit, hostname, fault } = plan;
  const place = `rack ${rack} unit ${unit} · ${hostname ?? fault ?? "no name"}`;
  return `${place} · never heard from, expected at ${plan.switch} ${plan.port}`;
}

function textOf(row: Row): string {
  const place = row.rack === undefined ? "not placed yet" : `rack ${row.rack} unit ${row.unit ?? "?"}`;
  const since = row.phaseAtMs === undefined ? "" : ` for ${durationText(nowMs.value - row.phaseAtMs)}`;
  const conditions = conditionsOf(row);
  return [
    ...[place, row.name, `${row.status}`, `${row.phase ?? "no phase"}${since}`],
    ...(row.progress === undefined ? [] : [describeProgress(row.progress)]),
    ...(row.image === undefined ? [] : [row.image]),
    ...(conditions.length === 0 ? [] : [conditions.join(", ")]),
  ].join(" · ");
}
