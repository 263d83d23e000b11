import type { Context } from "hono";
import { viewStream } from "../../contract/operator/views.ts";
import { formatImageName } from "../../core/image/image-name.ts";
import { type ImageStream, imageStreamOf, imageStreamsOf } from "../../core/image/stream/image-stream.ts";
import { decidePromotion, decideRollback, type StreamDecision } from "../../core/image/stream/promotion.ts";
import { faultAnswer, refusalAnswer } from "../http/problem.ts";
import { moveMachines, overtaken, writeStream } from "../image-streams/move-machines.ts";
import type { Handlers, OperatorDeps, RouteRequest } from "./handler.ts";

/** The routes that move streams of images. */
export const streamHandlers: Handlers<"streams" | "promote" | "rollback"> = {
  streams: ({ c, deps: { store } }) =>
    c.json({ streams: imageStreamsOf(store).map((held) => viewStream(held, store.list())) }),
  promote,
  rollback,
};

async function promote({ c, deps, caller, body }: RouteRequest<"promote">): Promise<Response> {
  const { store } = deps;
  const { version, canary: name, all, skipCanary } = body;
  const stream = c.req.param("name") ?? "";
  const image = formatImageName({ stream, version });
  const names = (await deps.images()).map((held) => held.name);
  if (!names.includes(image)) return unknownImage(c, image, names);
  const canary = name === undefined ? undefined : store.find(name);
  if (name !== undefined && canary === undefined) {
    const message = `canary: no machine has the name, id, address or MAC address ${name.slice(0, 100)}`;
    return refusalAnswer(c, { kind: "noSuchMachine", message, next: "to list all machines, run birther machines" });
  }
  const context = contextOf(deps, stream, caller.name);
  const request = { version, canary, all, skipCanary };
  return await carryOut(c, deps, { decision: decidePromotion(request, context), ...context });
}

async function rollback({ c, deps, caller }: RouteRequest<"rollback">): Promise<Response> {
  const context = contextOf(deps, c.req.param("name") ?? "", caller.name);
  return await carryOut(c, deps, { decision: decideRollback(context), ...context });
}

function contextOf({ store, clock }: OperatorDeps, stream: string, by: string) {
  return { ...{ stream, by, held: imageStreamOf(store, stream) }, machines: store.list(), nowMs: clock.nowMs() };
}

/** Writes the decision, then gives the machines concerned their version; the answer is the stream as it is then. */
async function carryOut(
  c: Context,
  { store }: OperatorDeps,
  decided: {
    readonly decision: StreamDecision;
    readonly stream: string;
    readonly held: ImageStream | undefined;
    readonly by: string;
  },
): Promise<Response> {
  const { decision, stream, held: before, by } = decided;
  if (decision.kind === "refused") return refusalAnswer(c, decision.refusal);
  if (decision.kind === "changed" && (await writeStream(store, decision.held, { before, by })) === "overtaken")
    return refusalAnswer(c, overtaken(stream));
  await moveMachines(store, stream);
  return c.json(viewStream(imageStreamOf(store, stream) ?? decision.held, store.list()));
}

function unknownImage(c: Context, image: string, names: readonly string[]): Response {
  const known = names.length === 0 ? "there are no images" : `existing images: ${names.slice(-10).join(", ")}`;
  const next = "to list the images, run birther image list; to add one, run birther image import";
  return faultAnswer(
    c,
    "noSuchImage",
    `image: expected an existing image, found ${image.slice(0, 100)}; ${known}`,
    next,
  );
}
