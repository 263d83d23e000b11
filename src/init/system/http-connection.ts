import type { HttpHead, HttpRequest, ResponseReader } from "./http-message.ts";
import { readResponses, writeRequest } from "./http-message.ts";
import type { ByteStream } from "./line-buffer.ts";

/** One server, one connection at a time, opened when needed and kept while the server keeps it. */
export type HttpConnection = {
  /** Sends a request and passes the body on piece by piece. Throws if the answer is incomplete. */
  readonly exchange: (request: HttpRequest, onBytes: (head: HttpHead, bytes: Uint8Array) => void) => HttpHead;
  readonly close: () => void;
};

/** `open` makes a new stream; `name` appears in error messages, e.g. `https://10.0.0.1:443`. */
export function httpConnection(name: string, open: () => ByteStream): HttpConnection {
  let current: { readonly stream: ByteStream; readonly reader: ResponseReader } | undefined;

  function close(): void {
    current?.stream.close();
    current = undefined;
  }

  function attempt(request: HttpRequest, onBytes: (head: HttpHead, bytes: Uint8Array) => void): HttpHead {
    if (current === undefined) {
      const stream = open();
      current = { stream, reader: readResponses(stream) };
    }
    const { stream, reader } = current;
    stream.write(writeRequest(request));
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
