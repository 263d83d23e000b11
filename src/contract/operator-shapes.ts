/** What operators' tools may ask with: the query and the body of each route of operator-routes.ts. Anything else in them is refused. */
import * as v from "valibot";
import { conditionKinds, machineStates } from "../core/machine/record.ts";

/** A whole number in a query, between two bounds. */
function wholeNumber(least: number, most: number) {
  return v.pipe(
    v.string(),
    v.regex(/^\d{1,15}$/, "meant is a whole number"),
    v.transform(Number),
    v.minValue(least, `meant is at least ${least}`),
    v.maxValue(most, `meant is at most ${most}`),
  );
}

export const noQuery = v.strictObject({});

export const listQuery = v.strictObject({
  state: v.exactOptional(v.picklist(machineStates)),
  condition: v.exactOptional(v.picklist(conditionKinds)),
});
export type ListQuery = v.InferOutput<typeof listQuery>;

export const eventsQuery = v.strictObject({ limit: v.optional(wholeNumber(1, 10_000), "50") });

/** A remark for whoever reads the record or the audit later. */
const words = v.pipe(v.string(), v.trim(), v.nonEmpty("meant is a reason"), v.maxLength(500));

export const actionBody = v.strictObject({});
export const holdBody = v.strictObject({ reason: words });
