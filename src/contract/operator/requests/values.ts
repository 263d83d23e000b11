/** What queries and bodies of operators are made of; unknown keys are refused. */
import * as v from "valibot";

/** A whole number in a query, between two bounds. */
export function wholeNumber(least: number, most: number) {
  return v.pipe(
    v.string(),
    v.regex(/^\d{1,15}$/, "expected a whole number"),
    v.transform(Number),
    v.minValue(least, `expected at least ${least}`),
    v.maxValue(most, `expected at most ${most}`),
  );
}

/** A query without keys. */
export const noQuery = v.strictObject({});

/** A time in a query. */
export const timeMs = v.pipe(wholeNumber(0, Number.MAX_SAFE_INTEGER), v.description("milliseconds since 1970"));

/** A body without keys. */
export const emptyBody = v.strictObject({});
