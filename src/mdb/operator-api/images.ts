import type { Context } from "hono";
import type { CollectedView, DifferenceView, ImageDetails, ImageView } from "../../contract/operator/views.ts";
import { whyNotCollected } from "../../core/image/catalogue/collected.ts";
import { type ImageUse, unused, useInStream, whyNotRemovable, withUser } from "../../core/image/catalogue/image-use.ts";
import { formatImageName, parseImageName } from "../../core/image/image-name.ts";
import { imageStreamOf } from "../../core/image/stream/image-stream.ts";
import { answerJson } from "../http/json-answer.ts";
import { faultAnswer, refusalAnswer } from "../http/problem.ts";
import { forEachInTurns } from "../turns.ts";
import type { Handlers, OperatorDeps, RouteRequest } from "./handler.ts";
import { unknownImage } from "./promote.ts";

/** The routes about single images. */
export const imageHandlers: Handlers<"image" | "difference" | "removeImage" | "collectImages"> = {
  image: ({ c, deps, query }) =>
    withImage({ c, deps }, nameIn(c, query.version), async (view) => {
      const contents = await deps.catalogue.contents(view.name);
      if (contents === undefined) return notHere(c, view);
      const details: ImageDetails = { ...view, ...contents, ...(await useOf(deps, view.name)) };
      return answerJson(c, details);
    }),
  difference: ({ c, deps, query }) =>
    withImage({ c, deps }, nameIn(c, query.version), (to) =>
      withImage({ c, deps }, query.from, async (from) => {
        const found = await deps.catalogue.difference(from.name, to.name);
        if (found === undefined) return notHere(c, from.notHere === undefined ? to : from);
        return answerJson(c, { from: from.name, to: to.name, ...found } satisfies DifferenceView);
      }),
    ),
  removeImage: ({ c, deps, body, caller }) =>
    withImage({ c, deps }, nameIn(c, body.version), async ({ name }) => {
      const use = await useOf(deps, name);
      const why = whyNotRemovable(name, use, heldOf(deps, name));
      if (why !== undefined) {
        const next = "promote or require another version, and wait until the machines run it";
        return refusalAnswer(c, { kind: "imageInUse", message: why, next });
      }
      await deps.catalogue.remove(name, caller.name);
      deps.log("info", "an image was removed", { image: name, by: caller.name });
      return answerJson(c, { removed: name });
    }),
  collectImages: async ({ c, deps, body: { dryRun = false }, caller }) => {
    const found = await deps.catalogue.collect(dryRun);
    if (found.kind !== "collected") {
      const { message, next } = whyNotCollected(found);
      return faultAnswer(c, "notCollected", message, next);
    }
    const { kind: _kind, ...swept } = found;
    if (!dryRun) {
      deps.log("info", "contents that no image needs were removed", { ...swept, by: caller.name });
      await deps.store.recordAct({ ...contentsRemoved, by: caller.name, facts: swept });
    }
    return answerJson(c, { ...swept, dryRun } satisfies CollectedView);
  },
};

/** How the audit names the removal of contents. */
export const contentsRemoved = { action: "remove contents", subject: "images" } as const;

type Asked = Pick<RouteRequest<"image">, "c" | "deps">;

function nameIn(c: Context, version: number): string {
  return formatImageName({ stream: c.req.param("name") ?? "", version });
}

async function withImage(
  { c, deps }: Asked,
  name: string,
  then: (view: ImageView) => Promise<Response>,
): Promise<Response> {
  const images = await deps.images();
  const view = images.find((image) => image.name === name);
  if (view !== undefined) return await then(view);
  return unknownImage(
    c,
    name,
    images.map((image) => image.name),
  );
}

function notHere(c: Context, { name, notHere: why }: ImageView): Response {
  return faultAnswer(
    c,
    "noSuchImage",
    `image: expected an image that this server has, found ${name}, which is only on other servers: ${why ?? "its manifest is gone"}`,
    "wait until it is copied, or ask a server that has it: birther image list -o json names them",
  );
}

function heldOf({ store }: OperatorDeps, name: string) {
  return imageStreamOf(store, parseImageName(name)?.stream ?? "");
}

/** Who uses an image, counted over the fleet with packets answered in between. */
async function useOf(deps: OperatorDeps, name: string): Promise<ImageUse> {
  const inStream = useInStream(heldOf(deps, name), parseImageName(name)?.version ?? 0);
  let use: ImageUse = { ...unused, ...inStream, ...(deps.catalogue.isInRules(name) ? { inRules: true } : {}) };
  await forEachInTurns([...deps.store.list()], (machine) => {
    use = withUser(use, machine, name);
  });
  return use;
}
