import * as host from "host";
import type { HttpHead, HttpRequest, ResponseReader } from "./http-message.ts";
import { readResponses, writeRequest } from "./http-message.ts";
import type { ByteStream } from "./line-buffer.ts";

/** One server, one connection at a time, opened when needed and kept while the server keeps it. */
export type HttpConnection = {
  /** Sends a request and passes the body on piece by piece. Throws if the answer is incomplete. */
  readonly exchange: (request: HttpRequest, onBytes: (head: HttpHead, bytes: Uint8Array) => void) => HttpHead;
  readonly close: () => void;
};

/** An answer may take four time-outs, and a second more for each 4 KiB: a server that drips holds nobody up for ever. */
const graceTimeouts = 4;
const leastBytesPerSecond = 4096;

/** A stream whose answers, each from its `begin` on, must keep the least rate. */
function paced(stream: ByteStream, graceMs: number): { readonly stream: ByteStream; readonly begin: () => void } {
  let beganMs = 0;
  let bytes = 0;
  return {
    begin: () => {
      beganMs = host.monotonicMs();
      bytes = 0;
    },
    stream: {
      ...stream,
      read: (buffer, offset, length) => {
        const count = stream.read(buffer, offset, length);
        bytes += count;
        const allowedMs = graceMs + (bytes / leastBytesPerSecond) * 1000;
        if (host.monotonicMs() - beganMs <= allowedMs) return count;
        throw new Error(`the answer is slower than ${leastBytesPerSecond} bytes a second, beyond ${graceMs / 1000} s`);
      },
    },
  };
}

/** `open` makes a new stream, with this time-out for progress; `name` appears in error messages, e.g. `https://10.0.0.1:443`. */
export function httpConnection(name: string, open: () => ByteStream, timeoutMs: number): HttpConnection {
  let current: { readonly stream: ByteStream; readonly reader: ResponseReader; readonly begin: () => void } | undefined;

  function close(): void {
    current?.stream.close();
    current = undefined;
  }

  function attempt(request: HttpRequest, onBytes: (head: HttpHead, bytes: Uint8Array) => void): HttpHead {
    if (current === undefined) {
      const { stream, begin } = paced(open(), graceTimeouts * timeoutMs);
      current = { stream, begin, reader: readResponses(stream) };
    }
    const { stream, reader, begin } = current;
    stream.write(writeRequest(request));
    begin();
    const head = reader.readHead();
    reader.readBody(head, (bytes) => onBytes(head, bytes));
    const delimited =
      head.headers.has("content-length") || head.headers.has("transfer-encoding") || head.status === 204;
    if (!head.keepAlive || !delimited) close();
    return head;
  }

  return {
    close,
    exchange: (request, onBytes) => {
      const reused = current !== undefined;
      try {
        return attempt(request, onBytes);
      } catch (first) {
        // A server may close an idle connection at any time (RFC 9112 §9.3.1): retry once, on a new connection, if no
        // byte of the answer has arrived.
        const stale = reused && current?.reader.begun() === false;
        close();
        if (!stale) throw failure(first);
      }
      try {
        return attempt(request, onBytes);
      } catch (second) {
        close();
        throw failure(second);
      }

      function failure(cause: unknown): Error {
        return new Error(`${request.method} ${name}${request.path}: ${cause instanceof Error ? cause.message : cause}`);
      }
    },
  };
}
