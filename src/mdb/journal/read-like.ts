import * as v from "valibot";
import { machineRecord } from "../../contract/machine-record.ts";
import type { Machine } from "../../core/machine/record.ts";
import { keepUnknownKeys } from "./stored-json.ts";

type Entries = { readonly [key: string]: v.GenericSchema };

const entriesOf = new Map<string, Entries>(
  machineRecord.options.map(({ entries }) => [entries.state.literal, entries as unknown as Entries]),
);

/** Parts that are stored in another form than memory has them: with addresses as text. */
const otherForm: ReadonlySet<string> = new Set(["temporaryAddress", "permanentAddress", "placement"]);

/**
 * A stored record read beside the record of the same machine that memory holds: parts that have not changed are those of the
 * known record, and only the others are read against their schemas. The result is what the schema of the whole makes of it; undefined
 * where that has to decide, because the state is another one or something is wrong. So a change of another server shares its parts
 * with the record before, as our own changes do: indexes see at once which names are the same, and little is left to collect.
 */
export function readLike(known: Machine, given: unknown): Machine | undefined {
  if (!isObject(given) || given.state !== known.state) return undefined;
  const entries = entriesOf.get(known.state);
  if (entries === undefined) return undefined;
  for (const key of Object.keys(entries))
    if (!Object.hasOwn(given, key) && entries[key]?.type !== "exact_optional") return undefined;
  const held: { readonly [key: string]: unknown } = known;
  const read: { [key: string]: unknown } = {};
  for (const key of Object.keys(given)) {
    const value = given[key];
    const schema = Object.hasOwn(entries, key) ? entries[key] : undefined;
    if (schema === undefined) {
      // Only a newer version knows it (keepUnknownKeys).
      if (key !== "__proto__") read[key] = value;
    } else if (!otherForm.has(key) && isSameJson(value, held[key])) read[key] = held[key];
    else {
      const part = v.safeParse(schema, value, { abortEarly: true });
      if (!part.success) return undefined;
      keepUnknownKeys(part.output, value);
      read[key] = isSameJson(part.output, held[key]) ? held[key] : part.output;
    }
  }
  // Each part is as the schema of its key, in the schema of this state, has it.
  return read as unknown as Machine;
}

/** Whether two values of JSON are the same. */
function isSameJson(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (!isObject(one) || !isObject(other) || Array.isArray(one) !== Array.isArray(other)) return false;
  const keys = Object.keys(one);
  if (keys.length !== Object.keys(other).length) return false;
  return keys.every((key) => Object.hasOwn(other, key) && isSameJson(one[key], other[key]));
}

function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null;
}
