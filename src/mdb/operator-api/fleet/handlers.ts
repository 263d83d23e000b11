import { type PlanView, viewSlot } from "../../../contract/operator/fleet-views.ts";
import { modelOf } from "../../../core/fleet/birth-times.ts";
import { figuresInSteps } from "../../../core/fleet/burn-in-figures.ts";
import { isSelected } from "../../../core/fleet/select-machines.ts";
import { amongSiblings } from "../../../core/fleet/siblings.ts";
import type { Machine } from "../../../core/machine/record.ts";
import { expectedSlots } from "../../../core/site/site-plan.ts";
import { answerJson, jsonText } from "../../http/json-answer.ts";
import { jsonList } from "../../http/json-list.ts";
import { answerPacked, packJson } from "../../http/packed-answer.ts";
import { sharedAnswer } from "../../shared-answer.ts";
import { forEachInTurns, inTurns } from "../../turns.ts";
import { rowFeed } from "../feed/row-feed.ts";
import { type Handlers, type OperatorDeps, withMachine } from "../handler.ts";
import type { Imports } from "../imports.ts";
import { follow } from "../read.ts";
import { columnsAnswer, columnsOf } from "./columns-answer.ts";
import { fleetEvents } from "./fleet-events.ts";
import { summaryOf } from "./summary.ts";

/** How long the figures of the fleet are shared between callers: they take some 30 ms for 10,000 machines. */
const summaryValidity = { leastMs: 1000, mostMs: 5000 };

/** The routes about the fleet as a whole. */
export function fleetHandlers(
  deps: OperatorDeps,
  { startedAtMs, imports }: { readonly startedAtMs: number; readonly imports: Imports },
): Handlers<"summary" | "fleet" | "fleetChanges" | "fleetEvents" | "burnIn" | "siblings" | "plan"> {
  const { store, models, othersUpdate = false } = deps;
  const expected = expectedSlots(deps.plan ?? []);
  const makeSummary = async () =>
    packJson(Buffer.from(jsonText(await summaryOf(deps, { startedAtMs, expected, imports: imports.current() }))));
  const summary = sharedAnswer(makeSummary, summaryValidity);
  const columns = columnsOf(store, othersUpdate);
  const feed = rowFeed(store, { othersUpdate, ending: deps.ending, imports });
  return {
    summary: async ({ c }) => answerPacked(c, await summary()),
    fleet: async ({ c }) => columnsAnswer(c, await columns()),
    plan: ({ c }) =>
      jsonList<PlanView, "slots">(c, { name: "slots", items: (deps.plan ?? []).map(viewSlot), rest: {} }),
    fleetEvents: async ({ c, query }) => answerJson(c, await fleetEvents({ store, othersUpdate }, query)),
    burnIn: async ({ c, query }) => {
      const machines: Machine[] = [];
      await forEachInTurns([...store.list()], (machine) => {
        if (isSelected(machine, query, othersUpdate)) machines.push(machine);
      });
      return answerJson(c, { figures: await inTurns(figuresInSteps(machines)) });
    },
    siblings: (request) =>
      withMachine(request, async (machine) => {
        const nowMs = deps.clock.nowMs();
        return answerJson(request.c, amongSiblings(machine, await models(modelOf(machine)), nowMs));
      }),
    fleetChanges: (request) => follow({ ...request, feed, packs: true }),
  };
}
