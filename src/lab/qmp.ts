import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";

/** An asynchronous event of QEMU, e.g. `RESET`, `SHUTDOWN`, `WATCHDOG`, `STOP`, `RESUME`. */
export type QmpEvent = { readonly event: string; readonly data: { readonly [name: string]: unknown } };

/** A connection to one QEMU (QEMU Machine Protocol). */
export type Qmp = {
  /** Sends a command; resolves with its return value, rejects with QEMU's error or after two minutes. */
  readonly execute: (command: string, argumentValues?: { readonly [name: string]: unknown }) => Promise<unknown>;
};

type Waiting = { readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void };

/** A QEMU that emulates on a busy computer has answered after several seconds; only one that hangs takes so long. */
const answerSeconds = 120;

/**
 * Negotiates over QEMU's two streams and resolves when QEMU accepts commands. Rejects if the stream ends before that, or if
 * QEMU does not greet within two minutes.
 */
export async function openQmp(from: Readable, to: Writable, onEvent: (event: QmpEvent) => void): Promise<Qmp> {
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  const greeted = Promise.withResolvers<void>();
  const lines = createInterface({ input: from });
  lines.on("line", (line) => {
    const message = readMessage(line);
    if (message === undefined) return;
    if ("QMP" in message) greeted.resolve();
    else if (typeof message.event === "string") {
      onEvent({ event: message.event, data: (message.data as QmpEvent["data"] | undefined) ?? {} });
    } else if (typeof message.id === "number") {
      const pending = waiting.get(message.id);
      waiting.delete(message.id);
      const error = message.error as { desc?: string } | undefined;
      if (error === undefined) pending?.resolve(message.return);
      else pending?.reject(new Error(`QEMU refused a command: ${error.desc ?? "no reason given"}`));
    }
  });
  lines.on("error", () => lines.close());
  lines.on("close", () => {
    const closed = new Error("QEMU closed its control channel");
    greeted.reject(closed);
    for (const pending of waiting.values()) pending.reject(closed);
    waiting.clear();
  });
  // QEMU may just have ended; the closed channel above reports it.
  to.on("error", () => {});

  const execute: Qmp["execute"] = (command, argumentValues = {}) =>
    new Promise((resolve, reject) => {
      lastId += 1;
      const id = lastId;
      const timer = setTimeout(() => {
        waiting.delete(id);
        reject(new Error(`QEMU did not answer ${command} within ${answerSeconds} s`));
      }, answerSeconds * 1000);
      timer.unref();
      const settle =
        <T>(finish: (value: T) => void) =>
        (value: T) => {
          clearTimeout(timer);
          finish(value);
        };
      waiting.set(id, { resolve: settle(resolve), reject: settle(reject) });
      to.write(`${JSON.stringify({ execute: command, arguments: argumentValues, id })}\n`);
    });

  const timer = setTimeout(
    () => greeted.reject(new Error(`QEMU did not greet within ${answerSeconds} s`)),
    answerSeconds * 1000,
  );
  await greeted.promise.finally(() => clearTimeout(timer));
  await execute("qmp_capabilities");
  return { execute };
}

function readMessage(line: string): { readonly [name: string]: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as { [name: string]: unknown }) : undefined;
  } catch {
    return undefined;
  }
}
