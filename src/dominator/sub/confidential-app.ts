import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { type Context, Hono } from "hono";
import { manifestPath, objectPaths } from "../../contract/sub.ts";
import { parseImageName } from "../../core/image/image-name.ts";
import type { Store } from "../../core/ports.ts";
import type { ConfidentialStores } from "../storage/confidential-stores.ts";
import type { ImageStore } from "../storage/image-store.ts";
import type { ObjectStore } from "../storage/object-store.ts";
import { maxBatchRequestBytes, namesOfBatch, readBatch } from "../storage/objects-handler.ts";
import { limitBody } from "./body-limit.ts";
import { senderOf, stranger, whyHeld } from "./sender.ts";

/** What the app reads: `objects` are the public ones, which a confidential image may share. */
export type ConfidentialAppInput = {
  readonly store: Pick<Store, "get" | "unreadableWith">;
  readonly images: Pick<ImageStore, "findManifest">;
  readonly objects: Pick<ObjectStore, "sizeOf" | "read">;
  readonly confidential: Pick<ConfidentialStores, "ofStream">;
};

/**
 * Gives manifests and contents over TLS to agents with a valid credential: what is public, and what belongs to the stream of the
 * image that their machine is to run. Nothing here has an address that could leak: a credential ends with the next birth, with
 * retirement, and while the machine is held.
 */
export function confidentialApp(input: ConfidentialAppInput): Hono {
  const { images } = input;
  const app = new Hono();
  app.get(`${manifestPath}:sha512`, async (context) => {
    const right = rightOf(context, input);
    if (right.kind === "refused") return right.answer;
    const found = images.findManifest(context.req.param("sha512"));
    const isOpen =
      found !== undefined && (found.image.confidential !== true || streamOf(found.image.name) === right.stream);
    if (!isOpen) return context.text("no such manifest for this machine\n", 404);
    return streamed(createReadStream(found.path), found.size);
  });
  app.post(objectPaths.batch, limitBody(maxBatchRequestBytes), async (context) => {
    const early = rightOf(context, input);
    if (early.kind === "refused") return early.answer;
    const names = namesOfBatch(await context.req.text());
    // Again after the body, which may take minutes.
    const right = rightOf(context, input);
    if (right.kind === "refused") return right.answer;
    if (names === undefined) return context.text("body: expected SHA-512 hashes in hex, one per line\n", 400);
    const batch = await readBatch(await objectsOf(right.stream, input), names);
    if (batch.kind === "missing") return context.text(`no object ${batch.sha512} for this machine\n`, 404);
    return streamed(batch.content, batch.bytes);
  });
  return app;
}

type Right =
  | { readonly kind: "right"; readonly stream: string | undefined }
  | { readonly kind: "refused"; readonly answer: Response };

/** What the sender of a request may read. */
function rightOf(context: Context, { store }: ConfidentialAppInput): Right {
  const machine = senderOf(context, store);
  if (machine === undefined) return { kind: "refused", answer: stranger(context, store) };
  const held = whyHeld(machine);
  if (held !== undefined) return { kind: "refused", answer: context.text(`${held}\n`, 403) };
  return { kind: "right", stream: streamOf(machine.requiredImage) };
}

function streamOf(image: string | undefined): string | undefined {
  return image === undefined ? undefined : parseImageName(image)?.stream;
}

/** The contents that belong to a stream: its own confidential ones, and all public ones. */
export async function objectsOf(
  stream: string | undefined,
  { objects, confidential }: Pick<ConfidentialAppInput, "objects" | "confidential">,
): Promise<Pick<ObjectStore, "sizeOf" | "read">> {
  if (stream === undefined) return objects;
  const own = await confidential.ofStream(stream);
  const isOwn = new Map<string, boolean>();
  return {
    sizeOf: async (sha512) => {
      const size = await own.sizeOf(sha512);
      isOwn.set(sha512, size !== undefined);
      return size ?? (await objects.sizeOf(sha512));
    },
    read: (sha512) => (isOwn.get(sha512) === true ? own : objects).read(sha512),
  };
}

/** An answer whose contents are read while they are sent. */
export function streamed(content: AsyncIterable<Uint8Array>, bytes: number): Response {
  const headers = {
    "content-type": "application/octet-stream",
    "content-length": String(bytes),
    "cache-control": "no-store",
  };
  return new Response(Readable.toWeb(Readable.from(content)) as ReadableStream<Uint8Array>, { headers });
}
