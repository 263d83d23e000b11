import { type Model, modelInSteps } from "../core/fleet/siblings.ts";
import type { Store } from "../core/ports.ts";
import { sharedAnswer } from "./shared-answer.ts";
import { inTurns } from "./turns.ts";

/** How long the spreads of a model are shared between callers: some 20 ms for 10,000 machines. */
const validity = { leastMs: 2000, mostMs: 15_000 };
/** Models that are kept: firmware names them, and could say anything. */
const modelLimit = 20;

/** Finds the spreads of a model as they were within the last seconds. */
export type Models = (model: string) => Promise<Model>;

/**
 * The spreads of each model of a store, computed when someone asks and shared for a while: a server opens it once, for
 * machines that report a burn-in and for operators who look at one.
 */
export function modelsOf(store: Pick<Store, "list">): Models {
  const answers = new Map<string, () => Promise<Model>>();
  return (model) => {
    const answer = answers.get(model) ?? sharedAnswer(() => inTurns(modelInSteps([...store.list()], model)), validity);
    answers.delete(model);
    answers.set(model, answer);
    for (const oldest of answers.keys()) {
      if (answers.size <= modelLimit) break;
      answers.delete(oldest);
    }
    return answer();
  };
}
