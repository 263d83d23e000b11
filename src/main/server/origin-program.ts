/**
 * The process that answers requests for contents, so that they do not delay packets (docs/decisions/origin.md). It is a child of
 * `birther serve`, which talks to it by messages, and ends when that does.
 */
import { startHttpServer } from "../../boot-server/http/server.ts";
import type { Log } from "../../core/ports.ts";
import type { OriginNote, OriginOrder } from "../../dominator/origin/origin-messages.ts";
import { openImageStore } from "../../dominator/storage/image-store.ts";
import { openObjectStore } from "../../dominator/storage/object-store.ts";
import { objectsHandler } from "../../dominator/storage/objects-handler.ts";

const say = (note: OriginNote) => void process.send?.(note);
const log: Log = (level, message, facts = {}) => say({ kind: "log", level, message, facts });
// The server reports manifests that it cannot read; once is enough.
const quiet: Log = () => undefined;

let serving: Parameters<typeof startHttpServer>[0] | undefined;

async function execute(order: OriginOrder): Promise<void> {
  if (order.kind === "begin") {
    const objects = await openObjectStore(order.objects);
    const manifests = await openImageStore(order.images, { log: quiet });
    serving = {
      ...{ addresses: [], port: 0, files: new Map(), onSent: () => undefined, log },
      connectionsPerAddress: order.connectionsPerAddress,
      handlers: [objectsHandler({ objects, manifests, log })],
    };
    await startHttpServer({ ...serving, socketPath: order.socket });
    say({ kind: "began" });
    return;
  }
  if (serving === undefined) throw new Error("expected the order to begin first");
  await startHttpServer({ ...serving, addresses: order.addresses, port: order.port });
  say({ kind: "listening" });
}

/** The second order may arrive before the first is carried out. */
let last: Promise<void> = Promise.resolve();

process.on("message", (order: OriginOrder) => {
  last = last.then(() => execute(order)).catch((error: unknown) => failed(order, error));
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
