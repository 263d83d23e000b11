import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Log } from "../../core/ports.ts";
import type { HttpHandler } from "./server.ts";

const chunkBytes = 256 * 1024;
/**
 * More than any burn-in requests (contract/config.ts, `burnIn.networkMiB`); limited because any host on the network may
 * ask.
 */
const mostBytes = 4 * 1024 * 1024 * 1024;

/** Answers `GET /throughput/BYTES` with this number of random bytes, for the burn-in's network test. */
export function throughputHandler(log: Log): HttpHandler {
  // Random, so that nothing on the way can compress it; generated once, because that is slower than sending.
  const chunk = randomBytes(chunkBytes);
  return (request, response, path) => {
    const bytes = Number(/^\/throughput\/(\d{1,10})$/.exec(path)?.[1] ?? Number.NaN);
    if (!(bytes <= mostBytes) || request.method !== "GET") return false;
    response.writeHead(200, { "content-type": "application/octet-stream", "content-length": bytes });
    pipeline(Readable.from(chunksOf(chunk, bytes)), response).catch((error: unknown) => {
      log("debug", "throughput test aborted", { client: request.socket.remoteAddress, error: String(error) });
    });
    return true;
  };
}

function* chunksOf(chunk: Uint8Array, bytes: number): Generator<Uint8Array> {
  for (let left = bytes; left > 0; left -= chunk.length) yield left < chunk.length ? chunk.subarray(0, left) : chunk;
}
