import type { Context } from "hono";
import { type StreamView, viewStream } from "../../contract/operator/views.ts";
import { formatImageName } from "../../core/image/image-name.ts";
import { type ImageStream, imageStreamsOf } from "../../core/image/stream/image-stream.ts";
import { decidePromotion, decideRollback } from "../../core/image/stream/promotion.ts";
import { answerJson } from "../http/json-answer.ts";
import { faultAnswer, refusalAnswer } from "../http/problem.ts";
import { changeStream, type StreamChange } from "../image-streams/change-stream.ts";
import { surveyInTurns } from "../image-streams/survey.ts";
import type { Handlers, OperatorDeps, RouteRequest } from "./handler.ts";

/** The routes that move streams of images. */
export const streamHandlers: Handlers<"streams" | "promote" | "rollback"> = {
  streams: async ({ c, deps }) => {
    const streams: StreamView[] = [];
    for (const held of imageStreamsOf(deps.store)) streams.push(await viewIn(held, deps));
    return answerJson(c, { streams });
  },
  promote,
  rollback: async ({ c, deps, caller }) => {
    const request = { stream: c.req.param("name") ?? "", by: caller.name };
    return answer(c, deps, await changeStream(deps, request, decideRollback));
  },
};

async function promote({ c, deps, caller, body }: RouteRequest<"promote">): Promise<Response> {
  const { version, canary: name, ...rest } = body;
  const stream = c.req.param("name") ?? "";
  const image = formatImageName({ stream, version });
  const names = (await deps.images()).map((held) => held.name);
  if (!names.includes(image)) return unknownImage(c, image, names);
  const canary = name === undefined ? undefined : deps.store.find(name);
  if (name !== undefined && canary === undefined) {
    const message = `canary: no machine has the name, id, address or MAC address ${name.slice(0, 100)}`;
    return refusalAnswer(c, { kind: "noSuchMachine", message, next: "to list all machines, run birther machines" });
  }
  const request = { version, canary, ...rest };
  const change = await changeStream(deps, { stream, by: caller.name }, (context) => decidePromotion(request, context));
  return answer(c, deps, change);
}

async function answer(c: Context, deps: OperatorDeps, change: StreamChange): Promise<Response> {
  if (change.kind === "refused") return refusalAnswer(c, change.refusal);
  return answerJson(c, await viewIn(change.held, deps));
}

async function viewIn(held: ImageStream, { store, othersUpdate }: OperatorDeps): Promise<StreamView> {
  return viewStream(held, { survey: await surveyInTurns(store, { stream: held.stream, held }), othersUpdate });
}

/** The refusal of an image that does not exist. */
export function unknownImage(c: Context, image: string, names: readonly string[]): Response {
  const known = names.length === 0 ? "there are no images" : `existing images: ${names.slice(-10).join(", ")}`;
  const next = "to list the images, run birther image list; to add one, run birther image import";
  return faultAnswer(
    c,
    "noSuchImage",
    `image: expected an existing image, found ${image.slice(0, 100)}; ${known}`,
    next,
  );
}
