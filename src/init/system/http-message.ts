import { bytesFromText, textFromBytes } from "../../core/bytes/text.ts";

/** A blocking connection: `read` returns the count of bytes, 0 at the end; both throw when the connection fails. */
export type ByteStream = {
  readonly read: (buffer: Uint8Array, offset: number, length: number) => number;
  readonly write: (bytes: Uint8Array) => void;
  readonly close: () => void;
};

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

const bufferBytes = 1 << 16;
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
  const buffer = new Uint8Array(bufferBytes);
  let start = 0;
  let end = 0;
  let begun = false;

  function fill(): boolean {
    if (start === end) start = end = 0;
    else if (end === buffer.length) {
      buffer.copyWithin(0, start, end);
      end -= start;
      start = 0;
    }
    const count = stream.read(buffer, end, buffer.length - end);
    end += count;
    if (count > 0) begun = true;
    return count > 0;
  }

  function need(what: string): void {
    if (start === end && !fill()) throw new Error(`the server closed the connection in the middle of ${what}`);
  }

  function readLine(what: string, limit: number): string {
    for (let from = start; ; ) {
      const at = buffer.subarray(0, end).indexOf(10, from);
      if (at >= 0) {
        const line = textFromBytes(buffer.subarray(start, at)).replace(/\r$/, "");
        start = at + 1;
        return line;
      }
      if (end - start > limit) throw new Error(`${what} is longer than ${limit} bytes`);
      const length = end - start;
      if (!fill()) throw new Error(`the server closed the connection in the middle of ${what}`);
      from = start + length;
    }
  }

  function pass(count: number, onBytes: (bytes: Uint8Array) => void): void {
    for (let left = count; left > 0; ) {
      need("a body");
      const piece = buffer.subarray(start, Math.min(end, start + left));
      start += piece.length;
      left -= piece.length;
      onBytes(piece);
    }
  }

  function readHead(): HttpHead {
    const statusLine = readLine("a status line", maxHeadBytes);
    const match = /^HTTP\/1\.([01]) (\d{3})/.exec(statusLine);
    if (match === null) throw new Error(`not an HTTP/1.1 status line: ${statusLine.slice(0, 80)}`);
    const headers = new Map<string, string>();
    for (let left = maxHeadBytes; ; ) {
      const line = readLine("a head", maxHeadBytes);
      left -= line.length + 2;
      if (left < 0) throw new Error(`a head is longer than ${maxHeadBytes} bytes`);
      if (line === "") break;
      const colon = line.indexOf(":");
      headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
    }
    const keepAlive = match[1] === "1" && headers.get("connection")?.toLowerCase() !== "close";
    return { status: Number(match[2]), headers, keepAlive };
  }

  function passBody(head: HttpHead, onBytes: (bytes: Uint8Array) => void): void {
    const lengthText = head.headers.get("content-length");
    if (head.status === 204 || head.status === 304) return;
    if (head.headers.get("transfer-encoding")?.toLowerCase() === "chunked") {
      for (;;) {
        const text = readLine("a chunk size", maxChunkLineBytes);
        const size = Number.parseInt(text, 16);
        if (!(size >= 0)) throw new Error(`chunk: expected a size in hexadecimal, found ${JSON.stringify(text)}`);
        pass(size, onBytes);
        if (size > 0) readLine("a chunk's end", maxChunkLineBytes);
        else break;
      }
      while (readLine("a trailer", maxHeadBytes) !== "");
      return;
    }
    if (lengthText !== undefined) {
      if (!/^\d{1,15}$/.test(lengthText)) throw new Error(`content-length: expected a number, found ${lengthText}`);
      pass(Number(lengthText), onBytes);
      return;
    }
    while (start < end || fill()) pass(end - start, onBytes);
  }

  function readBody(head: HttpHead, onBytes: (bytes: Uint8Array) => void): void {
    passBody(head, onBytes);
    begun = start < end;
  }

  return { begun: () => begun, readHead, readBody };
}
