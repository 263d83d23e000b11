/** The thread that keeps the machines' log lines on disk; log-thread.ts talks to it. */
import { parentPort, workerData } from "node:worker_threads";
import { openLogDirectory } from "./log-directory.ts";
import { answerLogRequest, type LogRequest, type LogThreadData } from "./request.ts";

const port = parentPort;
if (port === null) throw new Error("worker.ts is a thread of log-thread.ts, not a program");
const { directory, limits } = workerData as LogThreadData;
const logs = openLogDirectory(directory, limits);
port.on("message", (request: LogRequest) => port.postMessage(answerLogRequest(logs, request)));
