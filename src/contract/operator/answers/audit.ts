/** The audit of the database. */
import * as v from "valibot";
import { count } from "../../bounded-values.ts";
import { pinnedShape } from "../../same.ts";
import type { AuditView } from "../views.ts";
import { text, timeMs } from "./values.ts";

const auditEntry = pinnedShape<AuditView>()(
  v.strictObject({
    position: count,
    atMs: timeMs,
    by: text,
    action: v.pipe(text, v.description("the kind of the event, or `put token` and the like")),
    subject: v.pipe(text, v.description("the machine's id, or the document's key")),
    before: v.exactOptional(v.unknown()),
    after: v.exactOptional(v.unknown()),
    name: v.exactOptional(v.pipe(text, v.description("the hostname of the machine, now or as it last was"))),
    request: v.exactOptional(
      v.strictObject({
        id: v.pipe(text, v.description("the same in all entries of a request")),
        from: v.pipe(text, v.description("the address that it came from; `local` for the Unix socket")),
        reason: v.exactOptional(text),
      }),
    ),
  }),
);
export const auditAnswer = v.strictObject({
  entries: v.array(auditEntry),
  before: v.exactOptional(v.pipe(count, v.description("there are older ones: ask again with this"))),
});
export type AuditAnswer = v.InferOutput<typeof auditAnswer>;
