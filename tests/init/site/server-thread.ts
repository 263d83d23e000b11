import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import type { SiteAnswer, SiteRequest } from "./protocol.ts";

/** What the servers' thread is given: its end of the channel, and the number that it raises with each answer. */
export type ServerThread = { readonly port: MessagePort; readonly signal: SharedArrayBuffer };

/** A real answer takes milliseconds; a thread that died would be waited for for ever. */
const limitMs = 60_000;

type Open = { readonly port: MessagePort; readonly flag: Int32Array<SharedArrayBuffer> };
let thread: Open | undefined;

function openThread(): Open {
  const { port1, port2 } = new MessageChannel();
  const signal = new SharedArrayBuffer(4);
  const workerData: ServerThread = { port: port2, signal };
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData, transferList: [port2] });
  // It lives as long as the tests do, and keeps no process alive.
  worker.unref();
  port1.unref();
  return { port: port1, flag: new Int32Array(signal) };
}

/** Has the servers' thread carry something out, without waiting for it: a failure is told by the next question. */
export function tellServers(request: SiteRequest): void {
  thread ??= openThread();
  thread.port.postMessage(request);
}

/** Asks the servers' thread, which is started by the first request, and sleeps until it answers. */
export function askServers(request: SiteRequest): SiteAnswer {
  thread ??= openThread();
  const { port, flag } = thread;
  const before = Atomics.load(flag, 0);
  port.postMessage(request);
  if (Atomics.wait(flag, 0, before, limitMs) === "timed-out")
    throw new Error(`the servers' thread has not answered ${request.kind} for ${limitMs / 1000} s`);
  const received: { message: SiteAnswer } | undefined = receiveMessageOnPort(port);
  if (received === undefined) throw new Error(`the servers' thread answered ${request.kind} without a message`);
  if (received.message.kind === "broken")
    throw new Error(`the servers' thread failed at ${request.kind}`, { cause: received.message.error });
  return received.message;
}
