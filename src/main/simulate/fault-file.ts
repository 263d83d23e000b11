import { readFile } from "node:fs/promises";
import * as v from "valibot";
import { parseDocument } from "yaml";
import { failure } from "../../cli/api/failure.ts";
import { faultMessages, faultsOf } from "../../contract/shape-faults.ts";
import { type Fault, machineFaultKinds } from "../../fleet/faults.ts";
import { readDuration } from "./options.ts";

const nth = v.pipe(v.number(), v.integer(), v.minValue(1));
const duration = v.pipe(
  v.string(),
  v.regex(/^\d+(\.\d+)?\s*(ms|s|min|m|h)$/, "expected a duration such as 90s or 5m"),
  v.transform(readDuration),
);
const during = { at: duration, for: duration } as const;

const fileSchema = v.array(
  v.variant("kind", [
    v.strictObject({ kind: v.picklist(machineFaultKinds), rack: nth, unit: nth }),
    v.strictObject({ kind: v.literal("serverDies"), server: nth, ...during }),
    v.strictObject({ kind: v.literal("switchReboots"), rack: nth, ...during }),
    v.strictObject({ kind: v.literal("powerCut"), racks: v.pipe(v.array(nth), v.minLength(1)), ...during }),
  ]),
);

/** Reads a YAML list of faults; throws with all that is wrong in it. */
export async function readFaultFile(path: string): Promise<readonly Fault[]> {
  const text = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw failure("misused", `cannot read ${path} (${cause.code})`, "docs/simulate.md shows a file of faults");
  });
  const parsed = v.safeParse(fileSchema, parseDocument(text).toJS(), faultMessages);
  if (!parsed.success)
    throw failure("misused", `${path}: ${faultsOf(parsed.issues)}`, "docs/simulate.md shows a file of faults");
  return parsed.output.map((fault): Fault => {
    if (!("at" in fault)) return fault;
    const { at: atMs, for: forMs, ...rest } = fault;
    return { ...rest, atMs, forMs };
  });
}
