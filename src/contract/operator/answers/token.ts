/** The answers about tokens. */
import * as v from "valibot";
import { roles } from "../../../core/role.ts";
import { pinnedShape } from "../../same.ts";
import type { TokenView } from "../token.ts";
import { text, timeMs } from "./values.ts";

const token = v.strictObject({
  name: text,
  role: v.picklist(roles),
  createdAtMs: timeMs,
  createdBy: text,
  expiresAtMs: v.exactOptional(timeMs),
  lastUsedAtMs: v.exactOptional(v.pipe(timeMs, v.description("to within ten minutes"))),
});
export const tokensAnswer = v.strictObject({ tokens: v.array(pinnedShape<TokenView>()(token)) });
export const createdTokenAnswer = v.strictObject({
  ...token.entries,
  token: v.pipe(text, v.description("the secret; it is not kept and cannot be shown again")),
});
export const revokedTokenAnswer = v.strictObject({ name: text });
