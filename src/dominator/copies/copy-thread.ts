import { Worker } from "node:worker_threads";
import type { CopyJob, CopyProgress, CopyResult, OtherImage } from "./copy-image.ts";

/** A copy, or a new name for an image of this server. */
export type ThreadJob = CopyJob | { readonly kind: "rename"; readonly image: OtherImage };

/** What the thread of a copy says. */
export type CopyMessage =
  | { readonly kind: "progress"; readonly progress: CopyProgress }
  | { readonly kind: "done"; readonly result: CopyResult }
  | { readonly kind: "failed"; readonly error: unknown };

/** Memory for one manifest of a million paths. */
const maxHeapMiB = 2048;

/** Does a job in a thread of its own, because hashing gigabytes would hold up packets; stops when `signal` says so. */
export function copyInThread(
  job: ThreadJob,
  { onProgress, signal }: { readonly onProgress: (progress: CopyProgress) => void; readonly signal: AbortSignal },
): Promise<CopyResult> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const worker = new Worker(new URL("./copy-worker.ts", import.meta.url), {
      workerData: job,
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMiB },
    });
    const stop = () => void worker.terminate();
    signal.addEventListener("abort", stop, { once: true });
    worker.on("message", (message: CopyMessage) => {
      if (message.kind === "progress") onProgress(message.progress);
      else if (message.kind === "done") resolve(message.result);
      else reject(message.error);
    });
    worker.on("error", (cause) => reject(new Error("the thread of a copy failed", { cause })));
    worker.on("exit", () => {
      signal.removeEventListener("abort", stop);
      reject(new Error("the thread of a copy ended"));
    });
  });
}
