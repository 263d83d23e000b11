import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import type { SiteAnswer, SiteRequest } from "./protocol.ts";

/** What the servers' thread gets. */
export type ServerThread = {
  /** Its end of the channel. */
  readonly port: MessagePort;
  /** A number that it increments with each answer. */
  readonly signal: SharedArrayBuffer;
  /** For images and objects; removed when the tests end. */
  readonly directory: string;
};

/** A real answer takes milliseconds; without a limit, a dead thread would be awaited forever. */
const limitMs = 60_000;

type Open = { readonly port: MessagePort; readonly flag: Int32Array<SharedArrayBuffer> };
let thread: Open | undefined;

function openThread(): Open {
  const { port1, port2 } = new MessageChannel();
  const signal = new SharedArrayBuffer(4);
  const directory = mkdtempSync(join(tmpdir(), "birther-init-tests-"));
  process.on("exit", () => rmSync(directory, { recursive: true, force: true }));
  const workerData: ServerThread = { port: port2, signal, directory };
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData, transferList: [port2] });
  // It lives as long as the tests do, and keeps no process alive.
  worker.unref();
  port1.unref();
  return { port: port1, flag: new Int32Array(signal) };
}

/** Sends the servers' thread a request without waiting for it; a failure is reported with the next answer. */
export function sendToServers(request: SiteRequest): void {
  thread ??= openThread();
  thread.port.postMessage(request);
}

/**
 * Sleeps until the first number of an array is no longer `before`; false if that takes too long. A thread notifies after it has
 * changed the number, so the notice of an earlier change may come only now, and says nothing.
 */
export function hasChanged(flag: Int32Array<SharedArrayBuffer>, before: number, mostMs: number): boolean {
  const endMs = performance.now() + mostMs;
  while (Atomics.load(flag, 0) === before) {
    const leftMs = endMs - performance.now();
    if (leftMs <= 0) return false;
    Atomics.wait(flag, 0, before, leftMs);
  }
  return true;
}

/** Sends the servers' thread a request and sleeps until it answers; the first request starts the thread. */
export function askServers(request: SiteRequest): SiteAnswer {
  thread ??= openThread();
  const { port, flag } = thread;
  const before = Atomics.load(flag, 0);
  port.postMessage(request);
  if (!hasChanged(flag, before, limitMs)) {
    // Its late answer would be taken for that of the next question: it gets another thread.
    thread = undefined;
    port.close();
    throw new Error(`the servers' thread has not answered ${request.kind} for ${limitMs / 1000} s`);
  }
  const received: { message: SiteAnswer } | undefined = receiveMessageOnPort(port);
  if (received === undefined) throw new Error(`the servers' thread answered ${request.kind} without a message`);
  if (received.message.kind === "broken")
    throw new Error(`the servers' thread failed at ${request.kind}`, { cause: received.message.error });
  return received.message;
}
