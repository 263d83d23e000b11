/** The thread of one collection; collect-thread.ts starts it. */
import { parentPort, workerData } from "node:worker_threads";
import { type CollectInput, collect } from "./collect.ts";
import type { CollectMessage } from "./collect-thread.ts";

const port = parentPort;
if (port === null) throw new Error("collect-worker.ts is a thread of collect-thread.ts, not a program");
const send = (message: CollectMessage) => port.postMessage(message);
try {
  send({ kind: "done", collected: await collect(workerData as CollectInput) });
} catch (error) {
  send({ kind: "failed", error });
}
