/**
 * A schema as a tree that can be walked: the configuration's documentation and refusals, and the API's description, are made
 * of it. valibot's types know each kind of schema; what a walk needs of any of them is asked here, once.
 */
import * as v from "valibot";

/** The schema within `optional` and its like; undefined where it is not one. */
export function wrappedIn(schema: v.GenericSchema): v.GenericSchema | undefined {
  return "wrapped" in schema && isSchema(schema.wrapped) ? schema.wrapped : undefined;
}

/** The schema of a list's items, or of a record's values. */
export function itemOf(schema: v.GenericSchema): v.GenericSchema | undefined {
  if ("item" in schema && isSchema(schema.item)) return schema.item;
  return "value" in schema && isSchema(schema.value) ? schema.value : undefined;
}

/** The schemas of an object's keys; undefined if the schema is not an object. */
export function entriesOf(schema: v.GenericSchema): { readonly [key: string]: v.GenericSchema } | undefined {
  if (!("entries" in schema) || typeof schema.entries !== "object" || schema.entries === null) return undefined;
  return Object.fromEntries(Object.entries(schema.entries).filter(isSchemaOfKey));
}

/** The expectation of a leaf, from its metadata. */
export function expectedOf(schema: v.GenericSchema): string | undefined {
  const metadata: { readonly expected?: unknown } = v.getMetadata(schema);
  return typeof metadata.expected === "string" ? metadata.expected : undefined;
}

function isSchema(value: unknown): value is v.GenericSchema {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "schema";
}

function isSchemaOfKey(entry: [string, unknown]): entry is [string, v.GenericSchema] {
  return isSchema(entry[1]);
}
