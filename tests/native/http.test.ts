import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runProgram } from "./native-program.ts";

const body = Buffer.alloc(3_000_001, 1);
const sumOfEvery4096th = 733;

const answers: { readonly [path: string]: (request: IncomingMessage, response: ServerResponse) => void } = {
  "/sized": (_request, response) => response.writeHead(200, { "content-length": body.length }).end(body),
  "/chunked": (_request, response) => {
    response.write(body.subarray(0, 1_000_000));
    response.end(body.subarray(1_000_000));
  },
  "/until-close": (request) => {
    request.socket.write("HTTP/1.0 200 OK\r\n\r\n");
    request.socket.end(body);
  },
  "/posted": (request, response) => {
    request.on("data", (piece: Buffer) => response.write(Buffer.alloc(piece.length, 2)));
    request.on("end", () => response.end());
  },
  "/empty": (_request, response) => response.writeHead(200, { "content-length": 0 }).end(),
  "/endless-trailers": (request) => {
    request.socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n");
    request.socket.write("x: y\r\n".repeat(10_000));
  },
  "/drips": (request) => {
    request.socket.write("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n");
    const timer = setInterval(() => request.socket.write("x"), 100);
    request.socket.once("close", () => clearInterval(timer));
  },
  "/drips-head": (request) => {
    const timer = setInterval(() => request.socket.write("x"), 100);
    request.socket.once("close", () => clearInterval(timer));
  },
  "/garbage": (request) => request.socket.end("nonsense\r\n\r\n"),
};

test("streams bodies with every kind of length and refuses invalid answers", async () => {
  const directory = await mkdtemp(join(tmpdir(), "birther-http-"));
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    const known = answers[path];
    if (known !== undefined) known(request, response);
    else response.writeHead(404).end("no such thing");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const result = await runProgram(directory, "http", [String((server.address() as AddressInfo).port)]);
    assert.equal(result.sized.bytes, body.length);
    assert.ok(result.sized.sum >= sumOfEvery4096th);
    assert.equal(result.chunked.bytes, body.length);
    assert.equal(result.untilClose.bytes, body.length);
    assert.deepEqual(result.posted, { bytes: 4, sum: 2 });
    assert.equal(result.empty.bytes, 0);
    assert.match(result.missing.error, /^GET http:\/\/127\.0\.0\.1:\d+\/missing: status 404: no such thing$/);
    assert.match(result.garbage.error, /expected an HTTP\/1\.1 status line, found "nonsense"$/);
    assert.match(result.trailers.error, /the trailers are longer than 16384 bytes/);
    for (const slow of [result.drips, result.dripsHead])
      assert.match(slow.error, /the answer is slower than 4096 bytes a second, beyond 6 s/);
    assert.equal(result.afterwards.bytes, body.length);
  } finally {
    server.closeAllConnections();
    server.close();
    await rm(directory, { recursive: true });
  }
});
