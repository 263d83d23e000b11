/** The answer to an action on many machines. */
import * as v from "valibot";
import type { Excess } from "../../../core/fleet/blast-radius.ts";
import { count } from "../../bounded-values.ts";
import { problem } from "../../problem.ts";
import { pinnedShape } from "../../same.ts";
import { machineBrief } from "./machine.ts";
import { text, timeMs } from "./values.ts";

/** The result for one machine of a batch; in a dry run, the expected result. */
const batchResult = v.strictObject({
  name: text,
  outcome: v.picklist(["done", "refused"]),
  machine: machineBrief,
  erases: v.exactOptional(v.pipe(v.array(text), v.description("the disks that a clean erases"))),
  leaves: v.exactOptional(v.pipe(v.array(text), v.description("what a clean does not erase"))),
  problem: v.exactOptional(problem),
});
const excess = v.strictObject({
  group: v.pipe(text, v.description("empty for the machines that no group owns")),
  size: count,
  limit: count,
  sent: count,
  asked: count,
  freeAtMs: v.exactOptional(timeMs),
});
export const batchAnswer = v.strictObject({
  dryRun: v.boolean(),
  results: v.array(batchResult),
  beyond: v.pipe(v.array(excess), v.description("groups of which more would be sent away than `blastRadius` allows")),
  problem: v.exactOptional(v.pipe(problem, v.description("why all of it would be refused"))),
});
export type BatchAnswer = v.InferOutput<typeof batchAnswer>;

pinnedShape<Excess>()(excess);
