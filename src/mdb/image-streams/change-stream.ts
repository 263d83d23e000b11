import { type ImageStream, imageStreamOf } from "../../core/image/stream/image-stream.ts";
import type { PromotionContext, StreamDecision } from "../../core/image/stream/promotion.ts";
import type { Refusal } from "../../core/machine/event.ts";
import type { Clock, Store } from "../../core/ports.ts";
import { moveMachines, overtaken, writeStream } from "./move-machines.ts";
import { surveyInTurns } from "./survey.ts";

type Streams = Pick<Store, "documents" | "replaceDocument" | "apply" | "list">;

/** The stream as it is after a request, or why nothing was done. */
export type StreamChange =
  | { readonly kind: "done"; readonly held: ImageStream }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** Decides about a stream, writes the decision, and gives the machines concerned their version. */
export async function changeStream(
  {
    store,
    clock,
    othersUpdate,
  }: { readonly store: Streams; readonly clock: Clock; readonly othersUpdate?: boolean | undefined },
  asked: { readonly stream: string; readonly by: string },
  decide: (context: PromotionContext) => StreamDecision,
): Promise<StreamChange> {
  const { stream, by } = asked;
  const before = imageStreamOf(store, stream);
  const survey = await surveyInTurns(store, { stream, held: before });
  const decision = decide({ stream, by, held: before, survey, nowMs: clock.nowMs(), othersUpdate });
  if (decision.kind === "refused") return decision;
  if (decision.kind === "changed" && (await writeStream(store, decision.held, { before, by })) === "overtaken")
    return { kind: "refused", refusal: overtaken(stream) };
  await moveMachines(store, stream);
  return { kind: "done", held: imageStreamOf(store, stream) ?? decision.held };
}
