/** What operators' tools may ask with: the query and the body of each route of operator-routes.ts. Anything else in them is refused. */
import * as v from "valibot";
import { machineFields, parseFieldSelector } from "../core/fleet/machine-fields.ts";
import { parseSelector, type SelectorResult } from "../core/fleet/selector.ts";
import { machineAnswer } from "./operator-answers.ts";

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

/** A selector that is read as `parse` says; what is wrong in it stands in the refusal. */
function selectorOf(parse: (text: string) => SelectorResult, description: string) {
  return v.pipe(
    v.string(),
    v.description(description),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const result = parse(dataset.value);
      if (result.kind === "selector") return result.requirements;
      addIssue({ message: result.message });
      return NEVER;
    }),
  );
}

const labels = selectorOf(
  parseSelector,
  "tags: key=value, key!=value, key in (a,b), key notin (a,b), key, !key; commas mean and",
);
const where = selectorOf(
  parseFieldSelector,
  `the same over the fields ${Object.entries(machineFields)
    .map(([name, { says }]) => `${name} (${says})`)
    .join(", ")}`,
);

const views = Object.keys(machineAnswer.entries);
const fields = v.pipe(
  v.string(),
  v.description("keys of the machine, parted by commas: only these and the id are answered"),
  v.transform((text) => text.split(",").map((word) => word.trim())),
  v.array(v.picklist(views, `meant are some of ${views.join(", ")}`)),
);

/** Where a page ended: the id of its last machine, made unreadable so that nobody builds on it. */
const continueToken = v.pipe(
  v.string(),
  v.description("`continue` of the page before, as it is"),
  v.regex(/^[A-Za-z0-9_-]{4,120}$/, "meant is `continue` of the page before, as it is"),
);

export const listQuery = v.strictObject({
  labels: v.exactOptional(labels),
  where: v.exactOptional(where),
  fields: v.exactOptional(fields),
  limit: v.optional(wholeNumber(1, 5000), "500"),
  continue: v.exactOptional(continueToken),
});

export const eventsQuery = v.strictObject({ limit: v.optional(wholeNumber(1, 10_000), "50") });

/** A remark for whoever reads the record or the audit later. */
const words = v.pipe(v.string(), v.trim(), v.nonEmpty("meant is a reason"), v.maxLength(500));

export const actionBody = v.strictObject({});
export const holdBody = v.strictObject({ reason: words });
