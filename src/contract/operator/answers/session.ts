/** The answers about sessions of browsers. */
import * as v from "valibot";
import { roles } from "../../../core/role.ts";
import { pinnedShape } from "../../same.ts";
import type { SessionLink, SessionView } from "../session.ts";
import { text, timeMs } from "./values.ts";

export const sessionAnswer = pinnedShape<SessionView>()(
  v.strictObject({
    ...{ name: text, role: v.picklist(roles), version: text, nowMs: timeMs },
    endsAtMs: v.exactOptional(timeMs),
  }),
);

export const endedAnswer = v.strictObject({
  ended: v.pipe(v.number(), v.description("the number of sessions that ended")),
});

export const linkAnswer = pinnedShape<SessionLink>()(
  v.strictObject({
    path: v.pipe(text, v.description("the part behind https://HOST:PORT; it holds the secret")),
    expiresAtMs: timeMs,
    bases: v.array(text),
    fingerprint: v.exactOptional(text),
  }),
);
