import type * as v from "valibot";

/** A type without `readonly`, at whatever depth, and with its intersections melted: schemas know neither. */
type Plain<T> = T extends string | number | boolean | bigint | symbol | null | undefined
  ? T
  : { -readonly [K in keyof T]: Plain<T[K]> };

/** Whether two types are the very same: mutual assignability would let a forgotten optional key pass. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** The keys of two types that differ, each with both its types; of unions and leaves the types themselves. */
type Difference<Read, Core> = {
  readonly [K in keyof Read | keyof Core as Same<
    K extends keyof Read ? Pick<Read, K> : never,
    K extends keyof Core ? Pick<Core, K> : never
  > extends true
    ? never
    : K]: {
    readonly schemaReads: K extends keyof Read ? Read[K] : "no such key";
    readonly coreHas: K extends keyof Core ? Core[K] : "no such key";
  };
};

/** What a schema must be, beside a schema, to be one of `Core`: nothing, or what cannot be, which names where they differ. */
export type Describes<Schema extends v.GenericSchema, Core> =
  Same<Plain<v.InferOutput<Schema>>, Plain<Core>> extends true
    ? unknown
    : { readonly schemaDiffersFromCore: Difference<Plain<v.InferOutput<Schema>>, Plain<Core>> };

/**
 * Pins a schema to the type that it describes: `pinned<Core>()(schema)` is the schema, and does not compile when one of
 * the two has a key or a case more, or another type in it. core has no schemas, so its types cannot be derived from them.
 */
export function pinned<Core>() {
  return <Schema extends v.GenericSchema>(schema: Schema & Describes<Schema, Core>): Schema => schema;
}
