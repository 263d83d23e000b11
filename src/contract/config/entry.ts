import * as v from "valibot";

/** The schema with a text added that checks and changes nothing, so that its type stays. */
function noted<const T extends v.GenericSchema>(schema: T, note: Note): T;
function noted(schema: v.GenericSchema, note: Note): v.GenericSchema {
  return v.pipe(schema, note);
}
type Note = v.MetadataAction<unknown, { readonly expected: string }> | v.DescriptionAction<unknown, string>;

/** Names the value that a leaf expects, as a refusal and the documentation name it. */
export function leaf<const T extends v.GenericSchema>(expected: string, schema: T): T {
  return noted(schema, v.metadata({ expected }));
}

/** A key that the file must have. */
export function required<const T extends v.GenericSchema>(schema: T, description: string): T {
  return noted(schema, v.description(description));
}

/** A key with a default. */
export function withDefault<const T extends v.GenericSchema>(
  schema: T,
  fallback: v.InferInput<NoInfer<T>>,
  description: string,
): v.OptionalSchema<T, () => never> {
  return required(
    v.optional(schema, () => fallback as never),
    description,
  );
}

/** A key that may be missing. */
export function optional<const T extends v.GenericSchema>(
  schema: T,
  description: string,
): v.ExactOptionalSchema<T, undefined> {
  return required(v.exactOptional(schema), description);
}

/** A list that must not be empty. */
export function listOf<const T extends v.GenericSchema>(item: T): v.ArraySchema<T, undefined>;
export function listOf(item: v.GenericSchema): v.ArraySchema<v.GenericSchema, undefined> {
  return v.pipe(v.array(item), v.minLength(1));
}
