import { useComputed } from "@preact/signals";
import { useLayoutEffect, useState } from "preact/hooks";
import type { SummaryView } from "../../contract/operator/fleet-views.ts";
import type { FigureSummary } from "../../core/fleet/burn-in-figures.ts";
import { fleetRows } from "../data/fleet.ts";
import { expectedSlots, wantPlan } from "../data/plan.ts";
import { useAnswer } from "../data/query.ts";
import { selection } from "../list/selection.ts";
import { Command } from "../parts/command.tsx";
import { FaultNote } from "../parts/fault.tsx";
import { type FilterField, FilterForm } from "../parts/filter-form.tsx";
import { NoMachines } from "../parts/no-machines.tsx";
import { parameter, setParameters } from "../route/route.ts";
import { isForPage } from "../shell/keys.ts";
import { type Colouring, colourings, legendOf, scoresOf } from "./colours.ts";
import { imagesOf } from "./elevation-view.ts";
import { Elevations } from "./elevations.tsx";
import { Figures, Lagging, PhaseBars, WorkLine } from "./figures.tsx";

const fields: readonly FilterField[] = [{ parameter: "w", label: "Show", placeholder: "rack=7,status!=up" }];

/** The arrival of a fleet: all racks on one screen, filling themselves, and when it will be done. */
export function Arrival() {
  const summary = useAnswer<SummaryView>("/v1/summary");
  const colouring = colourings.find((one) => one === parameter("c")) ?? "phase";
  const where = parameter("w");
  const found = selection({ where, labels: "" });
  const [scores, setScores] = useState<ReadonlyMap<string, number> | undefined>(undefined);
  useLayoutEffect(() => {
    if (summary.value !== undefined) void wantPlan(summary.value);
  }, [summary.value]);
  useLayoutEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key !== "c" || !isForPage(event)) return;
      const next = colourings[(colourings.indexOf(colouring) + 1) % colourings.length] ?? "phase";
      setParameters({ c: next === "phase" ? "" : next });
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [colouring]);
  return (
    <section class="arrival" aria-label="arrival">
      {summary.value === undefined ? null : <Figures summary={summary.value} />}
      {summary.fault === undefined ? null : <FaultNote fault={summary.fault} />}
      {summary.value === undefined ? null : (
        <div>
          <PhaseBars summary={summary.value} />
          <WorkLine work={summary.value.work} />
          <Lagging racks={summary.value.racks} />
        </div>
      )}
      <div class="bar">
        <FilterForm fields={fields} />
        <fieldset class="colouring">
          <legend class="hidden">colour by</legend>
          {colourings.map((one) => (
            <button
              key={one}
              type="button"
              aria-pressed={one === colouring}
              onClick={() => setParameters({ c: one === "phase" ? "" : one })}
            >
              {one}
            </button>
          ))}
        </fieldset>
        <Legend colouring={colouring} />
      </div>
      {found.fault === undefined ? null : <FaultNote fault={found.fault} />}
      <NoMachines />
      {colouring === "burn-in" ? <Scores onScores={(found) => setScores(found)} /> : null}
      <Elevations colouring={colouring} scores={colouring === "burn-in" ? scores : undefined} />
      <Command text="birther status --watch" />
    </section>
  );
}

const burnInEveryMs = 15_000;

type ScoresProps = { onScores: (scores: ReadonlyMap<string, number> | undefined) => void };

/** Reads the scores of the burn-ins. The picture beside it stays, and has the focus, when one colours by something else. */
function Scores({ onScores }: ScoresProps) {
  const { value, fault } = useAnswer<{ figures: readonly FigureSummary[] }>("/v1/burn-in", burnInEveryMs);
  useLayoutEffect(() => {
    // Until then no machine is as its siblings.
    onScores(value === undefined ? undefined : scoresOf(value.figures.flatMap(({ outliers }) => outliers)));
  }, [value]);
  return fault === undefined ? null : <FaultNote fault={fault} />;
}

function Legend({ colouring }: { colouring: Colouring }) {
  const images = useComputed(() => imagesOf(fleetRows().values()));
  return (
    <ul class="legend" aria-label="what the colours mean">
      {legendOf(colouring, colouring === "image" ? images.value : []).map(({ token, text }) => (
        <li key={text}>
          <span class={`swatch ${token}`} aria-hidden="true" /> {text}
        </li>
      ))}
      {expectedSlots.value.length === 0 ? null : (
        <li>
          <span class="swatch hollow" aria-hidden="true" /> never heard from
        </li>
      )}
      <li>
        <span class="swatch bad" aria-hidden="true" /> failing
      </li>
      <li>
        <span class="bars" aria-hidden="true">
          ‖
        </span>{" "}
        held
      </li>
    </ul>
  );
}
