/**
 * The process that answers requests for contents, so that they do not delay packets (docs/decisions/origin.md). It is a child of
 * `birther serve`, which talks to it by messages, and ends when that does. One serves public contents, another one confidential ones.
 */
import { startHttpServer } from "../../boot-server/http/server.ts";
import type { Log } from "../../core/ports.ts";
import type { OriginNote, OriginOrder } from "../../dominator/origin/origin-messages.ts";
import { openImageStore } from "../../dominator/storage/image-store.ts";
import { openObjectStore } from "../../dominator/storage/object-store.ts";
import { type ObjectsHandler, objectsHandler } from "../../dominator/storage/objects-handler.ts";
import { type ConfidentialServing, confidentialServing } from "./confidential-serving.ts";

const say = (note: OriginNote) => void process.send?.(note);
const log: Log = (level, message, facts = {}) => say({ kind: "log", level, message, facts });
// The server reports manifests that it cannot read; once is enough.
const quiet: Log = () => undefined;

let serving: Parameters<typeof startHttpServer>[0] | undefined;
let confidential: ConfidentialServing | undefined;

type Begin = Extract<OriginOrder, { kind: "begin" }>;
type Listen = Extract<OriginOrder, { kind: "listen" }>;

async function begin(order: Begin): Promise<void> {
  const objects = await openObjectStore(order.objects);
  const images = await openImageStore(order.images, { log: quiet });
  const { connectionsPerAddress } = order;
  let handler: ObjectsHandler;
  if (order.confidential === undefined) handler = objectsHandler({ objects, manifests: images, log });
  else {
    confidential = confidentialServing({ ...order.confidential, connectionsPerAddress, objects, images, say, log });
    handler = confidential.handler;
  }
  serving = {
    ...{ addresses: [], port: 0, files: new Map(), onSent: () => undefined, log },
    ...{ connectionsPerAddress, handlers: [handler] },
  };
  await startHttpServer({ ...serving, socketPath: order.socket });
  say({ kind: "began" });
}

async function listen({ addresses, port }: Listen): Promise<void> {
  if (serving === undefined) throw new Error("expected the order to begin first");
  if (confidential === undefined) await startHttpServer({ ...serving, addresses, port });
  else await confidential.listen(addresses, port);
  say({ kind: "listening" });
}

/** The second order may arrive before the first is carried out. */
let last: Promise<void> = Promise.resolve();

process.on("message", (order: OriginOrder) => {
  if (order.kind === "right") {
    confidential?.decided(order.id, order.right);
    return;
  }
  last = last
    .then(() => (order.kind === "begin" ? begin(order) : listen(order)))
    .catch((error: unknown) => failed(order, error));
});

function failed({ kind }: OriginOrder, error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error);
  if (kind === "listen") {
    say({ kind: "failed", reason });
    return;
  }
  log("error", "the process that serves images cannot begin", { reason });
  // The server starts it again.
  process.exitCode = 1;
  process.disconnect?.();
}

// A Ctrl-C in a terminal reaches this process as well; the server says when to end.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => undefined);
process.on("disconnect", () => process.exit());
