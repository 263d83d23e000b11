import { answerJson } from "../../http/json-answer.ts";
import type { Handlers, OperatorDeps } from "../handler.ts";
import { sharedAnswer } from "./shared-answer.ts";
import { summaryOf } from "./summary.ts";

/** How long the figures of the fleet are shared between callers. */
const summaryValidMs = 1000;

/** The routes about the fleet as a whole. */
export function fleetHandlers(deps: OperatorDeps, startedAtMs: number): Handlers<"summary"> {
  const summary = sharedAnswer(() => summaryOf(deps, startedAtMs), summaryValidMs);
  return {
    summary: async ({ c }) => answerJson(c, await summary()),
  };
}
