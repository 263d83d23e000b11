import * as host from "host";
import * as os from "os";
import { readRetryAfter } from "../../core/birth/retry.ts";
import { decodeUtf8, encodeUtf8 } from "../../core/bytes/utf8.ts";
import { type HttpClient, httpClient } from "./http.ts";
import { type HttpConnection, httpConnection } from "./http-connection.ts";
import type { ByteStream } from "./line-buffer.ts";

/** Without progress for this time the connection counts as dead. */
const defaultTimeoutMs = 30_000;
/** Most of the MDB's answers are small; a larger one is an error. */
const defaultMaxAnswerBytes = 1 << 22;

export type HttpsServer = {
  readonly address: string;
  readonly port: number;
  /** The only trusted certificates. */
  readonly caPem: string;
  /** The name that the server's certificate must contain. */
  readonly serverName: string;
  readonly timeoutMs?: number;
  /** For large answers: an agent's directives. */
  readonly maxAnswerBytes?: number;
};

/** `body` is the parsed JSON, or the text if it is not JSON. */
export type HttpsAnswer = {
  readonly status: number;
  readonly body: unknown;
  /** How long the server wants to be left alone. */
  readonly retryAfterSeconds?: number;
};

export type HttpsClient = {
  /** Posts JSON; returns any status, and throws only if the answer is missing or broken. */
  readonly post: (path: string, body: unknown, bearer?: string) => HttpsAnswer;
  readonly close: () => void;
};

/** Connects, and checks who answers; throws if it is not the server. */
export function openTls(server: HttpsServer): ByteStream {
  const fd = host.tcpConnect(server.address, server.port, server.timeoutMs ?? defaultTimeoutMs);
  let session: number;
  try {
    session = host.tlsOpen(fd, server.caPem, server.serverName);
  } catch (cause) {
    os.close(fd);
    throw cause;
  }
  return {
    read: (buffer, offset, length) =>
      host.tlsRead(session, buffer.buffer as ArrayBuffer, buffer.byteOffset + offset, length),
    write: (bytes) => host.tlsWrite(session, bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length),
    close: () => host.tlsClose(session),
  };
}

function connectionTo(server: HttpsServer): HttpConnection {
  const name = `https://${server.address}:${server.port}`;
  return httpConnection(name, () => openTls(server), server.timeoutMs ?? defaultTimeoutMs);
}

function joinPieces(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function parseIfJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A client for large data that the server gives only to the holder of a credential. */
export function openPrivateHttp(server: HttpsServer, bearer: string): HttpClient {
  const name = `https://${server.address}:${server.port}`;
  const headers = { authorization: `Bearer ${bearer}` };
  return httpClient({ name, host: server.serverName, headers }, connectionTo(server));
}

/** A client of the MDB: connects at the first request, keeps the connection, and reconnects when it was lost. */
export function openHttps(server: HttpsServer): HttpsClient {
  const maxAnswerBytes = server.maxAnswerBytes ?? defaultMaxAnswerBytes;
  const connection = connectionTo(server);
  return {
    close: connection.close,
    post: (path, body, bearer) => {
      const pieces: Uint8Array[] = [];
      let length = 0;
      const headers = {
        "content-type": "application/json",
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      };
      const request = {
        method: "POST",
        path,
        host: server.serverName,
        headers,
        body: encodeUtf8(JSON.stringify(body)),
      } as const;
      const { status, headers: answered } = connection.exchange(request, (_head, bytes) => {
        length += bytes.length;
        if (length > maxAnswerBytes) throw new Error(`answer: expected at most ${maxAnswerBytes} bytes, found more`);
        pieces.push(bytes.slice());
      });
      const retryAfterSeconds = readRetryAfter(answered.get("retry-after"));
      const answer = parseIfJson(decodeUtf8(joinPieces(pieces, length)));
      const given = { status, body: answer };
      return retryAfterSeconds === undefined ? given : { ...given, retryAfterSeconds };
    },
  };
}
