/** The thread of one job; copy-thread.ts starts it. */
import { parentPort, workerData } from "node:worker_threads";
import { copyImage, copyUnderNewName } from "./copy-image.ts";
import type { CopyMessage, ThreadJob } from "./copy-thread.ts";

const port = parentPort;
if (port === null) throw new Error("copy-worker.ts is a thread of copy-thread.ts, not a program");
const send = (message: CopyMessage) => port.postMessage(message);
const job = workerData as ThreadJob;
try {
  if (job.kind === "rename") {
    await copyUnderNewName(job.image);
    send({ kind: "done", result: { fetchedBytes: 0, kept: job.image.newName } });
  } else send({ kind: "done", result: await copyImage(job, (progress) => send({ kind: "progress", progress })) });
} catch (error) {
  send({ kind: "failed", error });
}
