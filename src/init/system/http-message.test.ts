import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bytesFromText, textFromBytes } from "../../core/bytes/text.ts";
import { bytesBefore, readResponses, writeRequest } from "./http-message.ts";
import type { ByteStream } from "./line-buffer.ts";

/** A stream that yields `text` in pieces of the given lengths, repeatedly, and then ends. */
function streamOf(text: string, lengths: readonly number[]): ByteStream {
  const bytes = bytesFromText(text);
  let at = 0;
  let turn = 0;
  return {
    read: (buffer, offset, length) => {
      const piece = bytes.subarray(at, at + Math.min(length, lengths[turn++ % lengths.length] ?? 1));
      buffer.set(piece, offset);
      at += piece.length;
      return piece.length;
    },
    write: () => undefined,
    close: () => undefined,
  };
}

/** Reads `count` responses: status and body of each, and whether the connection can be reused. */
function readAll(text: string, count: number, lengths: readonly number[] = [7]) {
  const reader = readResponses(streamOf(text, lengths));
  return Array.from({ length: count }, () => {
    const head = reader.readHead();
    let body = "";
    reader.readBody(head, (bytes) => {
      body += textFromBytes(bytes);
    });
    return [head.status, body, head.keepAlive, reader.begun()];
  });
}

const sized = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const chunked =
  "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nt: x\r\n\r\n";
const empty = "HTTP/1.1 204 No Content\r\n\r\n";
const untilEnd = "HTTP/1.0 404 Not Found\r\n\r\nno such thing";

test("consecutive responses are read however the bytes are split", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 }), (lengths) => {
      const answers = readAll(sized + chunked + empty + untilEnd, 4, lengths);
      assert.deepEqual(
        answers.map((answer) => answer.slice(0, 3)),
        [
          [200, "hello", true],
          [200, "abc0123456789", true],
          [204, "", true],
          [404, "no such thing", false],
        ],
      );
    }),
  );
});

test("between two answers, nothing of the next one has arrived, so a closed connection can be reopened", () => {
  assert.deepEqual(readAll(sized, 1, [1]), [[200, "hello", true, false]]);
  assert.deepEqual(readAll("HTTP/1.1 200 OK\r\nconnection: Close\r\ncontent-length: 0\r\n\r\n", 1)[0]?.[2], false);
});

test("an incomplete answer is refused, and the error names the part being read", () => {
  const refusals = [
    ["", /in the middle of a status line/],
    ["HTTP/1.1 200", /in the middle of a status line/],
    ["SSH-2.0-x\r\n", /expected an HTTP\/1\.1 status line, found "SSH-2\.0-x"/],
    ["HTTP/1.1 200 OK\r\na: b", /in the middle of a head/],
    ["HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello", /in the middle of a body/],
    ["HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\nhello", /content-length: expected a number, found x/],
    [
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
      /chunk: expected a size in hexadecimal, found "zz"/,
    ],
    [`HTTP/1.1 200 OK\r\nx: ${"x".repeat(20_000)}`, /expected a head of at most 16384 bytes/],
    [`HTTP/1.1 200 OK\r\n${"x: y\r\n".repeat(5000)}\r\n`, /expected a head of at most 16384 bytes/],
  ] as const;
  for (const [text, reason] of refusals) assert.throws(() => readAll(text, 1, [1000]), reason);
});

test("for any bytes the reader returns an answer or throws an Error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      try {
        readAll(`HTTP/1.1 200 OK\r\n${textFromBytes(bytes)}`, 1);
      } catch (error) {
        assert.ok(error instanceof Error);
      }
    }),
  );
});

test("a request includes its length", () => {
  const request = {
    method: "POST",
    path: "/x",
    host: "birther",
    headers: { a: "b" },
    body: bytesFromText("{}"),
  } as const;
  assert.equal(
    textFromBytes(writeRequest(request)),
    "POST /x HTTP/1.1\r\nhost: birther\r\na: b\r\ncontent-length: 2\r\n\r\n{}",
  );
  assert.equal(
    textFromBytes(writeRequest({ method: "GET", path: "/", host: "h" })),
    "GET / HTTP/1.1\r\nhost: h\r\n\r\n",
  );
});

test("an answer to a range begins at its first byte, or is the whole; anything else is refused", () => {
  const head = (status: number, range?: string) => ({
    ...{ status, keepAlive: true },
    headers: new Map(range === undefined ? [] : [["content-range", range]]),
  });
  assert.equal(bytesBefore(head(206, "bytes 5-9/10"), 5), 0);
  assert.equal(bytesBefore(head(200), 5), 5);
  assert.equal(bytesBefore(head(200), 0), 0);
  for (const answer of [head(206), head(206, "bytes 50-59/60"), head(206, "bytes 0-9/10"), head(416)])
    assert.throws(() => bytesBefore(answer, 5), /expected the bytes from 5 on|status 416/);
});
