import type * as v from "valibot";

/** A type without `readonly`, at whatever depth, and with its intersections melted: schemas know neither. */
type Plain<T> = T extends string | number | boolean | bigint | symbol | null | undefined
  ? T
  : { -readonly [K in keyof T]: Plain<T[K]> };

/** Whether two types are the very same: mutual assignability would let a forgotten optional key pass. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Where two types differ, as paths such as `disks[].bus`; a union that differs is named as a whole. */
type Differing<Read, Core, At extends string = "the top"> =
  Same<Read, Core> extends true
    ? never
    : [Read, Core] extends [readonly (infer ReadItem)[], readonly (infer CoreItem)[]]
      ? Differing<ReadItem, CoreItem, `${At}[]`>
      : true extends IsUnion<Read> | IsUnion<Core>
        ? At
        : [Read, Core] extends [object, object]
          ? { [K in keyof Read | keyof Core]-?: DifferingKey<Read, Core, K, At> }[keyof Read | keyof Core]
          : At;

type DifferingKey<Read, Core, K, At extends string> =
  Same<Only<Read, K>, Only<Core, K>> extends true
    ? never
    : K extends keyof Read & string
      ? K extends keyof Core
        ? Same<Read[K], Core[K]> extends true
          ? `${At}.${K} (optional in one of them)`
          : Differing<Read[K], Core[K], `${At}.${K}`>
        : `${At}.${K} (core has no such key)`
      : `${At}.${K & string} (the schema has no such key)`;

/** The object type with only this key, optional or not as in the original; empty if there is no such key. */
type Only<T, K> = K extends keyof T ? Pick<T, K> : Record<never, never>;

type IsUnion<T, Whole = T> = T extends Whole ? ([Whole] extends [T] ? false : true) : never;

/** Nothing to ask of a schema where the two are the same; else a key that no schema has, which says where they differ. */
type Demand<Read, Core> =
  Same<Read, Core> extends true
    ? unknown
    : { readonly [Where in Differing<Read, Core> as `schema and core differ at ${Where}`]: never };

/** A type with widened leaves, as JSON carries it: without brands and literals, with all keys and cases. */
type Shape<T> = unknown extends T
  ? unknown
  : T extends string
    ? string
    : T extends number
      ? number
      : T extends boolean
        ? boolean
        : T extends null | undefined
          ? T
          : { -readonly [K in keyof T]: Shape<T[K]> };

/**
 * Pins a schema to the type that it describes: `pinned<Core>()(schema)` is the schema, and does not compile when one of
 * the two has a key or a case more, or another type in it. core has no schemas, so its types cannot be derived from them.
 */
export function pinned<Core>() {
  return <Schema extends v.GenericSchema>(schema: Schema & Demand<Plain<v.InferOutput<Schema>>, Plain<Core>>): Schema =>
    schema;
}

/** The same where the schema reads plain text for what core has a brand or a list of literals for: keys and cases are pinned, at whatever depth. */
export function pinnedShape<Core>() {
  return <Schema extends v.GenericSchema>(schema: Schema & Demand<Shape<v.InferOutput<Schema>>, Shape<Core>>): Schema =>
    schema;
}
