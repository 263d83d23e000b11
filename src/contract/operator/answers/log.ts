/** The log of a machine. */
import * as v from "valibot";
import { count } from "../../bounded-values.ts";
import { pinnedShape } from "../../same.ts";
import type { LogView } from "../views.ts";
import { text, timeMs } from "./values.ts";

export const logAnswer = pinnedShape<LogView>()(
  v.strictObject({
    unreached: v.exactOptional(
      v.pipe(
        v.array(text),
        v.description("other servers of the database that did not answer: their lines are missing"),
      ),
    ),
    boot: v.exactOptional(v.pipe(count, v.description("the number of the boot that the first line belongs to"))),
    boots: v.pipe(count, v.description("how many boots the kept lines are of")),
    lines: v.array(
      v.strictObject({
        atMs: v.pipe(timeMs, v.description("when the server heard it; after it, `afterMs` goes on")),
        boot: v.exactOptional(v.pipe(text, v.description("the start of the boot id that the machine had"))),
        text,
        unverified: v.exactOptional(
          v.pipe(count, v.description("it came by UDP before TLS was up, perhaps from another sender: its number")),
        ),
      }),
    ),
  }),
);
