import { createHash, timingSafeEqual } from "node:crypto";
import { type Context, Hono } from "hono";
import { copyPaths } from "../../contract/copies.ts";
import { isStreamName } from "../../core/image/image-name.ts";
import { writeLogLines } from "../../core/machine/log-line.ts";
import type { MachineId } from "../../core/machine/record.ts";
import type { Store } from "../../core/ports.ts";
import { objectsOf } from "../storage/confidential-contents.ts";
import { readPart } from "../storage/object-store.ts";
import { maxBatchRequestBytes, namesOfBatch, readBatch } from "../storage/objects-handler.ts";
import { limitBody } from "../sub/body-limit.ts";
import { type ConfidentialAppInput, streamed } from "../sub/confidential-app.ts";

/** What the app reads; `secret` is known to the servers of a database, and to nobody else. */
export type CopyAppInput = Omit<ConfidentialAppInput, "store"> & {
  readonly secret: string;
  readonly readLog: Store["readLog"];
};

/** Gives manifests, contents and log lines to the other servers of the database, which know the secret. */
export function copyApp(input: CopyAppInput): Hono {
  const { images, secret } = input;
  const app = new Hono();
  app.use(`${copyPaths.all}*`, async (context, next) => {
    if (!isFrom(secret, context)) return context.text("only the other servers of this database read here\n", 401);
    return await next();
  });
  app.get(`${copyPaths.manifest}:sha512`, async (context) => {
    const found = images.findManifest(context.req.param("sha512"));
    return found === undefined
      ? context.text("no such manifest here\n", 404)
      : streamed(readPart(found.path), found.size);
  });
  app.post(`${copyPaths.objects}:stream`, limitBody(maxBatchRequestBytes), async (context) => {
    const stream = context.req.param("stream");
    const names = namesOfBatch(await context.req.text());
    if (!isStreamName(stream) || names === undefined)
      return context.text("expected the name of a stream, and SHA-512 hashes in hex, one per line\n", 400);
    const batch = await readBatch(await objectsOf(stream, input), names);
    if (batch.kind === "missing") return context.text(`no object ${batch.sha512} here\n`, 404);
    return streamed(batch.content, batch.bytes);
  });
  app.get(`${copyPaths.log}:id`, async (context) =>
    context.text(writeLogLines(await input.readLog(context.req.param("id") as MachineId))),
  );
  return app;
}

/** Compares hashes, which have one length whatever the request holds. */
function isFrom(secret: string, context: Context): boolean {
  const hash = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(context.req.header("authorization") ?? ""), hash(`Bearer ${secret}`));
}
