import { Worker } from "node:worker_threads";
import type { StoreDirectories } from "../storage/packs/find-in-packs.ts";
import { type DominatorTasks, type TaskRequest, tasksOver } from "./tasks.ts";

/** The answers come in the order of the requests. */
export type TaskAnswer =
  | { readonly kind: "done"; readonly value: unknown }
  | { readonly kind: "failed"; readonly error: unknown };

type Waiting = { readonly resolve: (value: unknown) => void; readonly reject: (cause: unknown) => void };

/** Memory for the largest tree and two manifests. A thread that exceeds it ends alone, and its requests fail. */
const maxHeapMiB = 3072;

/**
 * Carries out the tasks in a thread of its own, so that a large tree delays no packet. A thread that dies, for lack of
 * memory, is started again by the next request. With the directories of the contents, directives say where they are in packs.
 */
export function openTaskThread(stores?: StoreDirectories): DominatorTasks & AsyncDisposable {
  let running: { readonly worker: Worker; readonly waiting: Waiting[] } | undefined;

  function start(): NonNullable<typeof running> {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), {
      workerData: { ...(stores === undefined ? {} : { stores }) },
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMiB },
    });
    const started = { worker, waiting: [] as Waiting[] };
    const end = (cause: unknown) => {
      if (running === started) running = undefined;
      for (const { reject } of started.waiting.splice(0)) reject(cause);
    };
    worker.on("message", (answer: TaskAnswer) => {
      const first = started.waiting.shift();
      if (started.waiting.length === 0) worker.unref();
      if (answer.kind === "done") first?.resolve(answer.value);
      else first?.reject(answer.error);
    });
    worker.on("error", (cause) => end(new Error("the Dominator's thread failed", { cause })));
    worker.on("exit", () => end(new Error("the Dominator's thread ended")));
    return started;
  }

  // At once, not at the first request: if the program's files are replaced, the thread must not be of another version.
  running = start();
  running.worker.unref();

  const ask = (request: TaskRequest) =>
    new Promise<unknown>((resolve, reject) => {
      running ??= start();
      const { worker, waiting } = running;
      // An idle thread must not keep the process alive.
      if (waiting.length === 0) worker.ref();
      waiting.push({ resolve, reject });
      worker.postMessage(request, request.kind === "readPoll" ? [request.body.buffer] : []);
    });
  return {
    ...tasksOver(ask),
    [Symbol.asyncDispose]: async () => {
      await running?.worker.terminate();
    },
  };
}
