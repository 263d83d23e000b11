/** The answers about the server itself. */
import * as v from "valibot";
import { pinnedShape } from "../../same.ts";
import type { StatusView } from "../views.ts";
import { counts, text, timeMs } from "./values.ts";

export const statusAnswer = pinnedShape<StatusView>()(
  v.strictObject({
    ...{ version: text, startedAtMs: timeMs, nowMs: timeMs, machines: counts },
    unreadable: v.exactOptional(
      v.pipe(
        v.array(v.strictObject({ id: text, message: text, next: text })),
        v.description(
          "the first machines whose records cannot be read: they are in no list, and nothing is done to them",
        ),
      ),
    ),
  }),
);

export const notedAnswer = v.strictObject({ noted: v.literal(true) });
export const checkAnswer = v.strictObject({
  inconsistencies: v.array(v.looseObject({ kind: text, message: text })),
});

export const openApiAnswer = v.looseObject({ openapi: v.literal("3.1.0"), info: v.looseObject({ version: text }) });
