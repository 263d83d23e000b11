/** The answers about erasures (core/erasure). */
import * as v from "valibot";
import type { ErasureStatement } from "../../../core/erasure/erasure.ts";
import { birthActions } from "../../../core/machine/state.ts";
import { count } from "../../bounded-values.ts";
import { erasedDisk, erasureStep } from "../../machine/erasure.ts";
import { pinnedShape } from "../../same.ts";
import { text, timeMs } from "./values.ts";

const { startedAtMs: _, endedAtMs: __, ...stepFacts } = erasureStep.entries;
const time = v.pipe(text, v.description("ISO 8601, UTC"));

/** What the text of a statement holds, in the order of these keys. */
export const erasureStatement = pinnedShape<ErasureStatement>()(
  v.object({
    birtherErasure: v.literal(1),
    id: text,
    machine: v.object({
      id: text,
      hostname: v.exactOptional(text),
      serial: v.exactOptional(v.pipe(text, v.description("of the board"))),
      product: v.exactOptional(text),
    }),
    action: v.picklist(birthActions),
    generation: count,
    disk: erasedDisk,
    outcome: v.variant("kind", [
      v.object({ kind: v.literal("sanitized") }),
      v.object({ kind: v.literal("keysDestroyed") }),
      v.object({ kind: v.literal("notErased"), reason: text }),
    ]),
    steps: v.array(
      v.object({
        ...stepFacts,
        startedAt: v.pipe(text, v.description("by the machine's clock, ISO 8601, UTC")),
        endedAt: time,
      }),
    ),
    reportedAt: v.pipe(text, v.description("by the server's clock, ISO 8601, UTC")),
  }),
);

export const erasureAnswer = v.strictObject({
  id: text,
  atMs: timeMs,
  machine: v.pipe(text, v.description("the machine's id, also after it was retired")),
  facts: v.exactOptional(
    v.pipe(erasureStatement, v.description("what the statement says; absent if a newer server wrote it")),
  ),
  statement: v.pipe(text, v.description("JSON as it was signed: its bytes in UTF-8")),
  signature: v.exactOptional(
    v.strictObject({
      value: v.pipe(text, v.description("ECDSA with SHA-256: DER in base64")),
      authority: v.pipe(text, v.description("SHA-256 fingerprint of the certificate of the authority that signed")),
    }),
  ),
});
export type ErasureAnswer = v.InferOutput<typeof erasureAnswer>;

export const erasuresAnswer = v.strictObject({
  erasures: v.array(erasureAnswer),
  before: v.exactOptional(v.pipe(count, v.description("there are older ones: ask again with this"))),
});
export type ErasuresAnswer = v.InferOutput<typeof erasuresAnswer>;
