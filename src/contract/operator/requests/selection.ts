/** Which machines a request is about. */
import * as v from "valibot";
import { machineFields, parseFieldSelector } from "../../../core/fleet/machine-fields.ts";
import { parseSelector, type SelectorResult } from "../../../core/fleet/selector.ts";

/** A selector that `parse` reads; its fault becomes the message of the refusal. */
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

/** Machines by their tags. */
export const labels = selectorOf(
  parseSelector,
  "select by tags: key=value, key!=value, key in (a,b), key notin (a,b), key, !key; a comma means and",
);

/** Machines by the fields of their records. */
export const where = selectorOf(
  parseFieldSelector,
  `select by fields, with the same syntax: ${Object.entries(machineFields)
    .map(([name, { about }]) => `${name} (${about})`)
    .join(", ")}`,
);

/** A selection of machines, without pages. */
export const selectionQuery = v.strictObject({ labels: v.exactOptional(labels), where: v.exactOptional(where) });
