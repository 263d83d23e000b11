import { createWriteStream } from "node:fs";
import type { Log } from "../../core/ports.ts";
import { causes } from "../../log/causes.ts";

/** A log that appends one JSON object per line to a file; an error among the facts is written as its messages. */
export function openLogFile(path: string): Log & AsyncDisposable {
  const stream = createWriteStream(path, { flags: "a" });
  const log: Log = (level, message, facts = {}) => {
    const line = { at: new Date().toISOString(), level, message, ...facts };
    stream.write(`${JSON.stringify(line, (_, value) => (value instanceof Error ? causes(value) : value))}\n`);
  };
  return Object.assign(log, { [Symbol.asyncDispose]: () => new Promise<void>((resolve) => stream.end(resolve)) });
}
