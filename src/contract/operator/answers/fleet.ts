/** The answers about the fleet as a whole. */
import * as v from "valibot";
import type { FigureSummary } from "../../../core/fleet/burn-in-figures.ts";
import { statuses } from "../../../core/fleet/machine-status.ts";
import type { Siblings } from "../../../core/fleet/siblings.ts";
import { conditionKinds } from "../../../core/machine/condition.ts";
import { phases } from "../../../core/machine/phase.ts";
import { unsealedTrusts } from "../../../core/machine/trust.ts";
import { works } from "../../../core/machine/work-progress.ts";
import { count } from "../../bounded-values.ts";
import { workProgress } from "../../machine/report.ts";
import { pinnedShape } from "../../same.ts";
import type { FleetEventsView, FleetRowsView, FleetView, PlanView, SummaryView } from "../fleet-views.ts";
import { importProgress } from "./image.ts";
import { changeAnswer } from "./machine.ts";
import { text, timeMs } from "./values.ts";

const durationMs = v.pipe(v.number(), v.minValue(0), v.description("milliseconds"));
const place = v.strictObject({ place: text, machines: count });

/** An object with some of these keys, each with a count. */
function someOf<const K extends string>(keys: readonly K[]) {
  return v.strictObject(
    Object.fromEntries(keys.map((key) => [key, v.exactOptional(count)])) as {
      readonly [Key in K]: v.ExactOptionalSchema<typeof count, undefined>;
    },
  );
}
const allStatuses = v.strictObject(
  Object.fromEntries(statuses.map((status) => [status, count])) as {
    readonly [S in (typeof statuses)[number]]: typeof count;
  },
);

const cause = v.strictObject({
  condition: v.picklist([...conditionKinds, "placement", "mirror"]),
  reason: v.pipe(text, v.description("where machines differ in a number or a name, it has …")),
  machines: count,
  first: v.pipe(v.array(text), v.description("some of the machines by name")),
  locations: v.pipe(v.array(place), v.description("the locations with most of them: racks, switches or networks")),
  locationCount: count,
  firstAtMs: timeMs,
  latestAtMs: timeMs,
  next: v.pipe(text, v.description("what to do, by the example of one of the machines")),
});

const rack = v.strictObject({
  rack: text,
  isSwitch: v.exactOptional(v.literal(true)),
  machines: count,
  statuses: someOf(statuses),
  phases: v.pipe(someOf(phases), v.description("its machines on their way")),
  slowest: v.exactOptional(
    v.pipe(
      v.strictObject({ name: text, phase: v.picklist(phases), ageMs: durationMs }),
      v.description("the machine that takes longest in its phase, beside finished births"),
    ),
  ),
  progress: v.pipe(v.number(), v.description("how far its machines have come on average, from 0 to 1")),
  expected: v.exactOptional(v.pipe(count, v.description("slots of the site plan"))),
  unheard: v.exactOptional(v.pipe(count, v.description("slots of the site plan that were never heard from"))),
  lags: v.exactOptional(v.literal(true)),
});

const arriving = count;
const arrival = v.variant("kind", [
  v.strictObject({ kind: v.literal("done") }),
  v.strictObject({ kind: v.literal("unknown"), arriving, why: text }),
  v.strictObject({
    kind: v.literal("estimate"),
    arriving,
    p50AtMs: v.pipe(timeMs, v.description("all are up by then with a probability of 50 %")),
    p90AtMs: v.pipe(timeMs, v.description("all are up by then with a probability of 90 %")),
    atRateAtMs: v.exactOptional(v.pipe(timeMs, v.description("when they are up at the present rate of births"))),
    slower: v.pipe(count, v.description("machines that take longer than any birth before; the estimate omits them")),
    births: v.pipe(count, v.description("the finished births that it goes by")),
    confidence: v.picklist(["low", "medium", "high"]),
  }),
]);

export const summaryAnswer = pinnedShape<SummaryView>()(
  v.strictObject({
    nowMs: timeMs,
    machines: v.pipe(count, v.description("without those retired")),
    statuses: v.pipe(allStatuses, v.description("each machine once")),
    conditions: someOf(conditionKinds),
    phases: v.array(
      v.strictObject({
        phase: v.picklist(phases),
        machines: v.pipe(count, v.description("machines on their way in this phase")),
        p50Ms: v.pipe(durationMs, v.description("half of them have been in it for at most this time")),
        p95Ms: durationMs,
        maxMs: durationMs,
        usualP50Ms: v.exactOptional(v.pipe(durationMs, v.description("of finished births"))),
        usualP95Ms: v.exactOptional(durationMs),
      }),
    ),
    racks: v.array(rack),
    unplaced: v.pipe(count, v.description("machines whose place is not known")),
    suspect: v.pipe(
      count,
      v.description("machines with figures far from those of their siblings, although nothing failed"),
    ),
    births: v.strictObject({ lastMinutes: count, count, perMinute: v.number() }),
    arrival,
    work: v.array(
      v.strictObject({
        what: v.picklist(works),
        machines: v.pipe(count, v.description("those that told this server how far they are")),
        ...{ done: count, total: count },
      }),
    ),
    diskKeys: v.pipe(
      someOf(["sealed-key", "tpm-key", "unencrypted", ...unsealedTrusts]),
      v.description("what protects the disk keys of healthy machines, and why those not sealed are not"),
    ),
    causes: v.pipe(v.array(cause), v.description("failures by reason and place, those of most machines first")),
    networks: v.array(
      v.strictObject({
        name: text,
        mode: v.picklist(["full", "proxy", "listen"]),
        notServed: v.exactOptional(text),
        pool: v.strictObject({
          ...{ first: text, last: text, size: count, held: count },
          exhaustedSinceMs: v.exactOptional(timeMs),
          refused: v.exactOptional(count),
        }),
      }),
    ),
    server: v.strictObject({
      version: text,
      startedAtMs: timeMs,
      faults: v.array(v.strictObject({ name: text, fault: text, next: text })),
    }),
    imports: v.pipe(v.array(importProgress), v.description("imports of system images that run")),
    unreadable: count,
  }),
);

/** Tests of a burn-in, bytes of a fetch, steps of an update. */
const progress = v.pipe(
  v.strictObject({ ...workProgress.entries }),
  v.description("how far it is: tests of a burn-in, bytes of a fetch, steps of an update; as this server last heard"),
);

const texts = v.array(text);
/** Indices into a list of the answer; -1 for none. */
const indices = v.array(v.pipe(v.number(), v.integer(), v.minValue(-1)));
const bits = v.pipe(count, v.description("bit n stands for the n-th condition kind"));

export const fleetAnswer = pinnedShape<FleetView>()(
  v.strictObject({
    position: v.pipe(count, v.description("of the feed: later changes are in /v1/fleet/changes?since=POSITION")),
    ...{ statuses: texts, phases: texts, conditionKinds: texts },
    ...{ racks: texts, networks: texts, images: texts, models: texts },
    ...{ id: texts, name: texts },
    unit: v.pipe(texts, v.description("empty if the place of the machine is not known")),
    rack: v.pipe(indices, v.description("index into racks, -1 for none; the other columns of numbers are alike")),
    ...{ network: indices, status: indices, phase: indices },
    phaseAtMs: v.pipe(v.array(timeMs), v.description("0 before the first phase")),
    conditions: v.array(bits),
    ...{ image: indices, model: indices },
    progress: v.pipe(
      v.array(v.strictObject({ at: count, ...progress.entries })),
      v.description("the machines whose progress this server has heard of, by their index"),
    ),
  }),
);

const row = v.strictObject({
  ...{ id: text, name: text },
  rack: v.exactOptional(v.pipe(text, v.description("its rack, or its switch if the placement rule names no rack"))),
  unit: v.exactOptional(text),
  network: v.exactOptional(text),
  status: v.picklist(statuses),
  phase: v.exactOptional(v.picklist(phases)),
  phaseAtMs: v.exactOptional(timeMs),
  conditions: bits,
  image: v.exactOptional(text),
  model: v.exactOptional(text),
  progress: v.exactOptional(progress),
});

export const fleetRowsAnswer = pinnedShape<FleetRowsView>()(
  v.strictObject({
    position: count,
    rows: v.array(row),
    gone: v.pipe(texts, v.description("ids of records that are gone")),
    imports: v.exactOptional(
      v.pipe(v.array(importProgress), v.description("all imports that run, if one of them progressed or ended")),
    ),
  }),
);

export const fleetEventsAnswer = pinnedShape<FleetEventsView>()(
  v.strictObject({
    events: v.array(changeAnswer),
    continue: v.exactOptional(v.pipe(count, v.description("`since` of the next page; absent if this is the last"))),
    incomplete: v.exactOptional(v.pipe(v.literal(true), v.description("older changes are no longer kept"))),
  }),
);

const spread = {
  machines: v.pipe(count, v.description("machines that have such a value")),
  ...{ median: v.number(), mad: v.pipe(v.number(), v.description("median absolute deviation from the median")) },
  ...{ least: v.number(), most: v.number() },
};
const score = v.pipe(v.number(), v.description("distance from the median in robust standard deviations"));
const measuredFigure = {
  part: v.pipe(text, v.description("the model of the disk that was tested; empty for other tests")),
  figure: v.pipe(text, v.description("its name with the unit last, such as writeMiBps")),
};

export const burnInAnswer = v.strictObject({
  figures: v.array(
    pinnedShape<FigureSummary>()(
      v.strictObject({
        ...{ model: text, test: text },
        ...measuredFigure,
        ...spread,
        outliers: v.pipe(
          v.array(
            v.strictObject({
              ...{ name: text, subject: text, value: v.number() },
              score,
            }),
          ),
          v.description("the values farthest from those of the model's other machines"),
        ),
      }),
    ),
  ),
});

export const siblingsAnswer = pinnedShape<Siblings>()(
  v.strictObject({
    model: v.pipe(text, v.description("as the firmware names it; empty if it does not")),
    machines: v.pipe(count, v.description("machines of the model")),
    phases: v.array(
      v.strictObject({
        ...{ phase: v.picklist(phases), atMs: timeMs },
        durationMs: v.pipe(durationMs, v.description("until the next phase; until now if it has not ended")),
        isOpen: v.exactOptional(v.literal(true)),
        detail: v.exactOptional(text),
        siblings: v.exactOptional(
          v.pipe(
            v.strictObject(spread),
            v.description("in milliseconds; absent after the birth, such as for an update"),
          ),
        ),
        score: v.exactOptional(score),
      }),
    ),
    figures: v.array(
      v.strictObject({
        ...{ test: text, subject: text },
        ...measuredFigure,
        value: v.number(),
        siblings: v.strictObject({
          ...spread,
          dots: v.pipe(v.array(v.number()), v.description("some of the values, ascending, from the least to the most")),
        }),
        score,
      }),
    ),
  }),
);

export const planAnswer = pinnedShape<PlanView>()(
  v.strictObject({
    slots: v.array(
      v.strictObject({
        ...{ rack: text, unit: text, switch: text, port: text },
        hostname: v.exactOptional(text),
        address: v.exactOptional(text),
        fault: v.exactOptional(v.pipe(text, v.description("why the slot has no place"))),
      }),
    ),
  }),
);
