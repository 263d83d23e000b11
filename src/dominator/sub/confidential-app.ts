import { type Context, Hono } from "hono";
import { manifestPath, objectPaths } from "../../contract/sub.ts";
import { planFileAnswer } from "../../core/http/file-answer.ts";
import type { Store } from "../../core/ports.ts";
import { objectsOf } from "../storage/confidential-contents.ts";
import type { ConfidentialStores } from "../storage/confidential-stores.ts";
import type { ImageStore } from "../storage/image-store.ts";
import { manifestFor } from "../storage/manifest-for.ts";
import { type ObjectStore, readPart } from "../storage/object-store.ts";
import { maxBatchRequestBytes, namesOfBatch, readBatch } from "../storage/objects-handler.ts";
import { limitBody } from "./body-limit.ts";
import { type Right, rightOf } from "./right.ts";

/** What the app reads: `objects` are the public ones, which a confidential image may share. */
export type ConfidentialAppInput = {
  readonly store: Pick<Store, "get" | "unreadableWith">;
  readonly images: Pick<ImageStore, "findManifest">;
  readonly objects: Pick<ObjectStore, "sizeOf" | "read" | "locate">;
  readonly confidential: Pick<ConfidentialStores, "ofStream">;
};

/**
 * Gives manifests and contents over TLS to agents with a valid credential: what is public, and what belongs to the stream of the
 * image that their machine is to run. Agents that know of `ports.confidential` ask here only while that port is not served
 * (confidential-handler.ts).
 */
export function confidentialApp(input: ConfidentialAppInput): Hono {
  const { images, store } = input;
  const rightFor = (context: Context) => rightOf(context.req.header("authorization"), store);
  const app = new Hono();
  app.get(`${manifestPath}:sha512`, async (context) => {
    const right = rightFor(context);
    if (right.kind === "refused") return refused(right);
    const found = await manifestFor(right.stream, context.req.param("sha512"), images);
    if (found === undefined) return context.text("no such manifest for this machine\n", 404);
    return streamed(readPart(found.path), found.size);
  });
  app.get(`${objectPaths.one}:sha512`, async (context) => {
    const right = rightFor(context);
    if (right.kind === "refused") return refused(right);
    const sha512 = context.req.param("sha512");
    const objects = await objectsOf(right.stream, input);
    const size = await objects.sizeOf(sha512);
    if (size === undefined) return context.text(`no object ${sha512.slice(0, 128)} for this machine\n`, 404);
    const plan = planFileAnswer(
      { size, etag: `"${sha512}"`, contentType: "application/octet-stream" },
      { range: context.req.header("range"), "if-range": context.req.header("if-range") },
    );
    const { status, from, to } = plan;
    const headers = Object.entries({ ...plan.headers, "cache-control": "no-store" });
    const body = to > from ? bodyOf(objects.read(sha512, { from, to })) : null;
    return new Response(body, { status, headers: headers.map(([name, value]) => [name, String(value)]) });
  });
  app.post(objectPaths.batch, limitBody(maxBatchRequestBytes), async (context) => {
    const early = rightFor(context);
    if (early.kind === "refused") return refused(early);
    const names = namesOfBatch(await context.req.text());
    // Again after the body, which may take minutes.
    const right = rightFor(context);
    if (right.kind === "refused") return refused(right);
    if (names === undefined) return context.text("body: expected SHA-512 hashes in hex, one per line\n", 400);
    const batch = await readBatch(await objectsOf(right.stream, input), names);
    if (batch.kind === "missing") return context.text(`no object ${batch.sha512} for this machine\n`, 404);
    return streamed(batch.content, batch.bytes);
  });
  return app;
}

function refused({ status, type, body }: Extract<Right, { kind: "refused" }>): Response {
  return new Response(body, { status, headers: { "content-type": type } });
}

/** Nothing is read before it is sent: the answer to HEAD, or to a client that has gone, is dropped without a word to its body. */
function bodyOf(content: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  return ReadableStream.from(content);
}

/** An answer whose contents are read while they are sent; `content` opens nothing before it is read. */
export function streamed(content: AsyncIterable<Uint8Array>, bytes: number): Response {
  const headers = {
    "content-type": "application/octet-stream",
    "content-length": String(bytes),
    "cache-control": "no-store",
  };
  return new Response(bodyOf(content), { headers });
}
