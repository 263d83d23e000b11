import { answerJson } from "../../http/json-answer.ts";
import { rowFeed } from "../feed/row-feed.ts";
import type { Handlers, OperatorDeps } from "../handler.ts";
import { follow } from "../read.ts";
import { columnsAnswer, columnsOf } from "./columns-answer.ts";
import { sharedAnswer } from "./shared-answer.ts";
import { summaryOf } from "./summary.ts";

/** How long the figures of the fleet are shared between callers. */
const summaryValidMs = 1000;

/** The routes about the fleet as a whole. */
export function fleetHandlers(deps: OperatorDeps, startedAtMs: number): Handlers<"summary" | "fleet" | "fleetChanges"> {
  const { store, tokens, othersUpdate = false } = deps;
  const summary = sharedAnswer(() => summaryOf(deps, startedAtMs), summaryValidMs);
  const columns = columnsOf(store, othersUpdate);
  const feed = rowFeed(store, { othersUpdate });
  return {
    summary: async ({ c }) => answerJson(c, await summary()),
    fleet: async ({ c }) => columnsAnswer(c, await columns()),
    fleetChanges: (request) => follow({ ...request, feed, tokens }),
  };
}
