import { Worker } from "node:worker_threads";
import type { Collected } from "../../../core/image/catalogue/collected.ts";
import type { CollectInput } from "./collect.ts";

/** What the thread of a collection says. */
export type CollectMessage =
  | { readonly kind: "done"; readonly collected: Collected }
  | { readonly kind: "failed"; readonly error: unknown };

/** Memory for one manifest of a million paths, and the names of some million contents. */
const maxHeapMiB = 3072;

/** Collects in a thread of its own, because reading manifests and moving contents would hold up packets. */
export function collectInThread(input: CollectInput, signal: AbortSignal): Promise<Collected> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const worker = new Worker(new URL("./collect-worker.ts", import.meta.url), {
      workerData: input,
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMiB },
    });
    const stop = () => void worker.terminate();
    signal.addEventListener("abort", stop, { once: true });
    worker.on("message", (message: CollectMessage) => {
      if (message.kind === "done") resolve(message.collected);
      else reject(message.error);
    });
    worker.on("error", (cause) => reject(new Error("the thread of a collection failed", { cause })));
    worker.on("exit", () => {
      signal.removeEventListener("abort", stop);
      reject(new Error("the thread of a collection ended"));
    });
  });
}
