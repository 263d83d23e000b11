/** Tokens and sessions of callers. */
import * as v from "valibot";
import { roles } from "../../../core/role.ts";
import { tokenNamePattern } from "../token.ts";

const yearSeconds = 31_622_400;

/** The token to create. */
export const tokenBody = v.strictObject({
  name: v.pipe(v.string(), v.regex(tokenNamePattern, "expected a name of at most 40 lower-case letters, digits and -")),
  role: v.picklist(roles, `expected one of ${roles.join(", ")}`),
  expiresSeconds: v.exactOptional(
    v.pipe(v.number(), v.integer(), v.minValue(60), v.maxValue(10 * yearSeconds, "expected at most ten years")),
  ),
});

/** What opens a session: exactly one of a token and the secret of a one-time link. */
export const sessionBody = v.union(
  [
    v.strictObject({ token: v.pipe(v.string(), v.maxLength(200)) }),
    v.strictObject({ link: v.pipe(v.string(), v.maxLength(200)) }),
  ],
  "expected either token or link",
);

/** The role of the session that a link opens. */
export const linkBody = v.strictObject({
  role: v.optional(v.picklist(roles, `expected one of ${roles.join(", ")}`), "admin"),
});
