import { bytesFromText } from "../../core/bytes/text.ts";
import { type ByteStream, type LineBuffer, lineBuffer } from "./line-buffer.ts";

export type HttpRequest = {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly host: string;
  readonly headers?: { readonly [name: string]: string };
  readonly body?: Uint8Array;
};

/** `keepAlive`: whether the connection may carry another request. */
export type HttpHead = {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly keepAlive: boolean;
};

const maxHeadBytes = 1 << 14;
const maxChunkLineBytes = 64;

/** The bytes of a request, head and body (RFC 9112). */
export function writeRequest(request: HttpRequest): Uint8Array {
  const body = request.body ?? new Uint8Array(0);
  const lines = [`${request.method} ${request.path} HTTP/1.1`, `host: ${request.host}`];
  for (const [name, value] of Object.entries(request.headers ?? {})) lines.push(`${name}: ${value}`);
  if (request.method === "POST") lines.push(`content-length: ${body.length}`);
  const head = bytesFromText(`${lines.join("\r\n")}\r\n\r\n`);
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  return bytes;
}

/** Reads consecutive responses from a stream, through a buffer of fixed size. */
export type ResponseReader = {
  /** Whether any byte of the current response has arrived. */
  readonly begun: () => boolean;
  readonly readHead: () => HttpHead;
  /** Passes the body on piece by piece; a piece is valid only until the callback returns. */
  readonly readBody: (head: HttpHead, onBytes: (bytes: Uint8Array) => void) => void;
};

/** Makes the reader of a connection. */
export function readResponses(stream: ByteStream): ResponseReader {
  const buffer = lineBuffer(stream);
  return {
    begun: buffer.hasBegun,
    readHead: () => readHead(buffer),
    readBody: (head, onBytes) => {
      readBody(buffer, head, onBytes);
      buffer.restart();
    },
  };
}

function readHead(buffer: LineBuffer): HttpHead {
  const statusLine = buffer.line("a status line", maxHeadBytes);
  const match = /^HTTP\/1\.([01]) (\d{3})/.exec(statusLine);
  if (match === null)
    throw new Error(`expected an HTTP/1.1 status line, found ${JSON.stringify(statusLine.slice(0, 80))}`);
  const headers = new Map<string, string>();
  for (let left = maxHeadBytes; ; ) {
    const line = buffer.line("a head", maxHeadBytes);
    left -= line.length + 2;
    if (left < 0) throw new Error(`expected a head of at most ${maxHeadBytes} bytes, found a longer one`);
    if (line === "") break;
    const colon = line.indexOf(":");
    headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  const keepAlive = match[1] === "1" && headers.get("connection")?.toLowerCase() !== "close";
  return { status: Number(match[2]), headers, keepAlive };
}

/** The bytes of an answer that come before the one that was asked for by `Range`: a server that knows no ranges sends the whole. */
export function bytesBefore({ status, headers }: HttpHead, from: number): number {
  if (status === 200) return from;
  if (status !== 206) throw Object.assign(new Error(`status ${status}`), { status });
  const range = headers.get("content-range") ?? "";
  if (!range.startsWith(`bytes ${from}-`))
    throw new Error(`expected the bytes from ${from} on, found ${JSON.stringify(range.slice(0, 80))}`);
  return 0;
}

/** The length of a body: none, in chunks, counted, or up to the end of the connection (RFC 9112 §6.3). */
function readBody(buffer: LineBuffer, head: HttpHead, onBytes: (bytes: Uint8Array) => void): void {
  const lengthText = head.headers.get("content-length");
  if (head.status === 204 || head.status === 304) return;
  if (head.headers.get("transfer-encoding")?.toLowerCase() === "chunked") {
    readChunks(buffer, onBytes);
    return;
  }
  if (lengthText === undefined) {
    buffer.passAll(onBytes);
    return;
  }
  if (!/^\d{1,15}$/.test(lengthText)) throw new Error(`content-length: expected a number, found ${lengthText}`);
  buffer.pass(Number(lengthText), onBytes);
}

function readChunks(buffer: LineBuffer, onBytes: (bytes: Uint8Array) => void): void {
  for (;;) {
    const text = buffer.line("a chunk size", maxChunkLineBytes);
    const size = Number.parseInt(text, 16);
    if (!(size >= 0)) throw new Error(`chunk: expected a size in hexadecimal, found ${JSON.stringify(text)}`);
    buffer.pass(size, onBytes);
    if (size === 0) break;
    buffer.line("a chunk's end", maxChunkLineBytes);
  }
  for (let left = maxHeadBytes; ; ) {
    const line = buffer.line("a trailer", maxHeadBytes);
    if (line === "") return;
    left -= line.length + 2;
    if (left < 0) throw new Error(`the trailers are longer than ${maxHeadBytes} bytes`);
  }
}
