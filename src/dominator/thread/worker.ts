/** The thread that carries out the Dominator's long computations; thread.ts talks to it. */
import { parentPort, workerData } from "node:worker_threads";
import { finderInStores, type StoreDirectories } from "../storage/packs/find-in-packs.ts";
import { type TaskRequest, taskRunner } from "./tasks.ts";
import type { TaskAnswer } from "./thread.ts";

const port = parentPort;
if (port === null) throw new Error("worker.ts is a thread of thread.ts, not a program");
const { stores } = workerData as { readonly stores?: StoreDirectories };
const run = taskRunner(stores === undefined ? undefined : finderInStores(stores));
port.on("message", (request: TaskRequest) => {
  let answer: TaskAnswer;
  try {
    answer = { kind: "done", value: run(request) };
  } catch (error) {
    answer = { kind: "failed", error };
  }
  port.postMessage(answer);
});
