import * as v from "valibot";

/** JSON of the database as a schema reads it, and as it was given; or what is wrong with it and where. */
export type StoredJson<T> =
  | { readonly kind: "read"; readonly value: T; readonly given: unknown }
  | { readonly kind: "fault"; readonly fault: string; readonly given?: unknown };

/** Reads JSON text against a schema. Never throws: one damaged row must not keep the others from being read. */
export function readStored<Schema extends v.GenericSchema>(
  schema: Schema,
  text: string,
): StoredJson<v.InferOutput<Schema>> {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : String(cause);
    return { kind: "fault", fault: `expected JSON, found ${found}` };
  }
  const read = v.safeParse(schema, given, { abortEarly: true });
  if (read.success) return { kind: "read", value: read.output, given };
  const [issue] = read.issues;
  const { expected, received } = issue;
  const path = v.getDotPath(issue) ?? "the whole";
  return { kind: "fault", fault: `${path}: expected ${expected ?? issue.message}, found ${received}`, given };
}

/** Adds to what a schema read the keys that it does not name, at whatever depth; changes `read`. */
export function keepUnknownKeys(read: unknown, given: unknown): void {
  if (!isObject(read) || !isObject(given)) return;
  for (const key of Object.keys(given)) {
    const value = given[key];
    if (!Object.hasOwn(read, key)) {
      if (key !== "__proto__") read[key] = value;
    } else if (isObject(value)) keepUnknownKeys(read[key], value);
  }
}

function isObject(value: unknown): value is { [key: string]: unknown } {
  return typeof value === "object" && value !== null;
}
