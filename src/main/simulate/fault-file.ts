import { readFile } from "node:fs/promises";
import * as v from "valibot";
import { parseDocument } from "yaml";
import { failure } from "../../cli/api/failure.ts";
import { faultMessages, faultsOf } from "../../contract/shape-faults.ts";
import { type Fault, isMachineFault, machineFaultKinds } from "../../fleet/faults.ts";
import type { Scenario } from "../../fleet/scenario.ts";
import { readDuration } from "./options.ts";

const nth = v.pipe(v.number(), v.integer(), v.minValue(1));
const duration = v.pipe(
  v.string(),
  v.regex(/^\d+(\.\d+)?\s*(ms|s|min|m|h)$/, "expected a duration such as 90s or 5m"),
  v.transform(readDuration),
);
const during = { at: duration, for: duration } as const;

const kinds = [...machineFaultKinds, "serverDies", "switchReboots", "powerCut"];
const fileSchema = v.array(
  v.variant(
    "kind",
    [
      v.strictObject({ kind: v.picklist(machineFaultKinds), rack: nth, unit: nth }),
      v.strictObject({ kind: v.literal("serverDies"), server: nth, ...during }),
      v.strictObject({ kind: v.literal("switchReboots"), rack: nth, ...during }),
      v.strictObject({ kind: v.literal("powerCut"), racks: v.pipe(v.array(nth), v.minLength(1)), ...during }),
    ],
    `expected one of ${kinds.join(", ")}`,
  ),
  "expected a list of faults",
);

const advice = "docs/simulate.md shows a file of faults";

/** Reads a YAML list of faults; throws with all that is wrong in it. */
export async function readFaultFile(
  path: string,
  site: Pick<Scenario, "racks" | "machines" | "servers">,
): Promise<readonly Fault[]> {
  const text = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw failure("misused", `cannot read ${path} (${cause.code})`, advice);
  });
  const document = parseDocument(text);
  const [broken] = document.errors;
  if (broken !== undefined) throw failure("misused", `${path}: ${broken.message.split("\n")[0]}`, advice);
  const parsed = v.safeParse(fileSchema, document.toJS(), faultMessages);
  if (!parsed.success) throw failure("misused", `${path}: ${faultsOf(parsed.issues, "the file")}`, advice);
  const faults = parsed.output.map((fault): Fault => {
    if (!("at" in fault)) return fault;
    const { at: atMs, for: forMs, ...rest } = fault;
    return { ...rest, atMs, forMs };
  });
  const elsewhere = faults.flatMap((fault, at) => whereNot(fault, site).map((where) => `${at}.${where}`));
  if (elsewhere.length === 0) return faults;
  const next = "a fault of nothing would not show: correct the file, or simulate more";
  throw failure("misused", `${path}: ${elsewhere.slice(0, 10).join("; ")}`, next);
}

/** What a fault names that the site does not have. */
function whereNot(fault: Fault, site: Pick<Scenario, "racks" | "machines" | "servers">): readonly string[] {
  const beyond = (name: string, found: number, most: number) =>
    found <= most ? [] : [`${name}: expected at most ${most}, found ${found}`];
  if (fault.kind === "serverDies") return beyond("server", fault.server, site.servers);
  if (fault.kind === "powerCut") return beyond("racks", Math.max(...fault.racks), site.racks);
  const rack = beyond("rack", fault.rack, site.racks);
  return isMachineFault(fault) ? [...rack, ...beyond("unit", fault.unit, site.machines)] : rack;
}
