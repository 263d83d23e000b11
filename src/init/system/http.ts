import * as host from "host";
import * as os from "os";
import { meaningOf, pauseMsOf, readRetryAfter } from "../../core/birth/retry.ts";
import { decodeUtf8, encodeUtf8 } from "../../core/bytes/utf8.ts";
import { checked } from "./errno.ts";
import { writeToDescriptor } from "./files.ts";
import { type HttpConnection, httpConnection } from "./http-connection.ts";
import { bytesBefore, type HttpHead, type HttpRequest } from "./http-message.ts";
import type { ByteStream } from "./line-buffer.ts";

const defaultTimeoutMs = 30_000;
const maxProblemBytes = 1000;
/** The explanation of an error is read to its end, so that the connection stays usable, but not for ever. */
const maxUnreadBytes = 1 << 20;

export type HttpServer = { readonly address: string; readonly port: number; readonly timeoutMs?: number };

/** Receives the next piece of a body; valid only until it returns. */
export type OnBytes = (bytes: Uint8Array) => void;

/** Both throw when the status is not 200 or the answer is incomplete; the caller verifies the content by its hash. */
export type HttpClient = {
  /** Without `from`, the whole; otherwise the bytes from this one on. */
  readonly get: (path: string, onBytes: OnBytes, from?: number) => void;
  readonly post: (path: string, bodyText: string, onBytes: OnBytes) => void;
  readonly close: () => void;
};

/** The status with which the server answered, other than 200; undefined if the error is another one. */
export function statusIn(error: unknown): number | undefined {
  return error instanceof Error && "status" in error ? Number(error.status) : undefined;
}

/** Whether the server answered with a status that a retry does not change. */
export function isRefusal(error: unknown): boolean {
  const status = statusIn(error);
  return status !== undefined && meaningOf(status) === "refused";
}

/** The pause after a failure: our own, or the one that the server named with its refusal. */
export function pauseMsAfter(error: unknown, ownMs: number): number {
  const named = error instanceof Error && "retryAfterSeconds" in error ? error.retryAfterSeconds : undefined;
  return pauseMsOf(ownMs, typeof named === "number" ? named : undefined);
}

function openTcp(server: HttpServer): ByteStream {
  const fd = host.tcpConnect(server.address, server.port, server.timeoutMs ?? defaultTimeoutMs);
  return {
    read: (buffer, offset, length) =>
      checked("read", os.read(fd, buffer.buffer as ArrayBuffer, buffer.byteOffset + offset, length)),
    write: (bytes) => writeToDescriptor(fd, bytes, "write"),
    close: () => {
      os.close(fd);
    },
  };
}

/** A client for large public data: objects, and the network burn-in. */
export function openHttp(server: HttpServer): HttpClient {
  const authority = `${server.address}:${server.port}`;
  const name = `http://${authority}`;
  const connection = httpConnection(name, () => openTcp(server), server.timeoutMs ?? defaultTimeoutMs);
  return httpClient({ name, host: authority, headers: {} }, connection);
}

/** A client over a connection. `name` appears in error messages, and `headers` are sent with each request. */
export function httpClient(
  server: { readonly name: string; readonly host: string; readonly headers: { readonly [name: string]: string } },
  connection: HttpConnection,
): HttpClient {
  const { name, host: authority } = server;

  function fetch(request: HttpRequest, onBytes: (bytes: Uint8Array, head: HttpHead) => void): void {
    let problem = "";
    let unread = maxUnreadBytes;
    const isWanted = (status: number) => status === 200 || (status === 206 && request.headers?.range !== undefined);
    const { status, headers } = connection.exchange(request, (head, bytes) => {
      if (isWanted(head.status)) onBytes(bytes, head);
      else if (problem.length < maxProblemBytes) problem += decodeUtf8(bytes);
      if (isWanted(head.status)) return;
      unread -= bytes.length;
      if (unread < 0)
        throw new Error(`status ${head.status}: expected at most ${maxUnreadBytes} bytes of explanation, found more`);
    });
    if (isWanted(status)) return;
    const reason = `${request.method} ${name}${request.path}: status ${status}: ${problem.slice(0, maxProblemBytes)}`;
    throw Object.assign(new Error(reason), { status, retryAfterSeconds: readRetryAfter(headers.get("retry-after")) });
  }

  return {
    close: connection.close,
    get: (path, onBytes, from = 0) => {
      const range: { readonly [name: string]: string } = from === 0 ? {} : { range: `bytes=${from}-` };
      const headers = { ...server.headers, ...range };
      let skipBytes: number | undefined;
      fetch({ method: "GET", path, host: authority, headers }, (bytes, head) => {
        skipBytes ??= bytesBefore(head, from);
        const part = bytes.subarray(skipBytes);
        skipBytes -= bytes.length - part.length;
        if (part.length > 0) onBytes(part);
      });
    },
    post: (path, bodyText, onBytes) => {
      const headers = { "content-type": "text/plain; charset=utf-8", ...server.headers };
      fetch({ method: "POST", path, host: authority, headers, body: encodeUtf8(bodyText) }, onBytes);
    },
  };
}
