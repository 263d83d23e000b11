import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { TLSSocket } from "node:tls";
import { type Authority, issue, makeAuthority, type ServerCertificate } from "./certificates.ts";
import { runProgram } from "./native-program.ts";

let directory: string;
let authority: Authority;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "birther-https-"));
  authority = await makeAuthority("birther test CA");
  await writeFile(join(directory, "ca.pem"), authority.pem);
});
after(() => rm(directory, { recursive: true }));

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece);
  const path = request.url ?? "";
  if (path === "/silent") return;
  if (path === "/endless") {
    const piece = Buffer.alloc(1 << 16, "x");
    const more = () => {
      while (!response.destroyed && response.write(piece));
    };
    response.on("drain", more);
    more();
    return;
  }
  if (path === "/truncated") {
    response.writeHead(200, { "content-length": "100" });
    response.write("{");
    setImmediate(() => response.socket?.destroy());
    return;
  }
  if (path === "/close") response.setHeader("connection", "close");
  // Announces keep-alive but closes, as after an idle time-out.
  if (path === "/quiet-close") response.on("finish", () => setImmediate(() => request.socket.end()));
  response.statusCode = path === "/missing" ? 404 : 200;
  response.setHeader("content-type", "application/json");
  response.end(
    JSON.stringify({
      method: request.method,
      path,
      authorization: request.headers.authorization ?? null,
      host: request.headers.host,
      sent: JSON.parse(Buffer.concat(pieces).toString()),
      connection: request.socket.remotePort,
      tls: (request.socket as TLSSocket).getProtocol(),
    }),
  );
}

/** Time limits of the program: one that a server on a busy computer keeps, and one that is awaited. */
const limitsMs = { ample: 30_000, awaited: 1500 } as const;

async function post(certificate: ServerCertificate, serverName: string, scenario: string, options = {}) {
  const server = createServer({ ...certificate, ...options }, (request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const limitMs = scenario === "silent" ? limitsMs.awaited : limitsMs.ample;
    const words = [String(port), join(directory, "ca.pem"), serverName, scenario, String(limitMs)];
    return await runProgram(directory, "https", words);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test("posts JSON over one verified connection", async () => {
  const { answers } = await post(await issue(authority, "birther"), "birther", "echo");
  const [first, second, third] = answers;
  assert.equal(first.status, 200);
  assert.deepEqual(first.body.sent, { hello: "grüße" });
  assert.equal(first.body.authorization, "Bearer secret");
  assert.equal(first.body.host, "birther");
  assert.equal(second.body.sent.again.length, 200_000);
  assert.equal(second.body.authorization, null);
  assert.equal(third.status, 404);
  assert.equal(second.body.connection, first.body.connection);
});

test("prefers TLS 1.3, and accepts a server that has 1.2 only", async () => {
  const certificate = await issue(authority, "birther");
  const newest = await post(certificate, "birther", "echo");
  assert.equal(newest.answers[0].body.tls, "TLSv1.3");
  const older = await post(certificate, "birther", "echo", { maxVersion: "TLSv1.2" });
  assert.equal(older.answers[0].body.tls, "TLSv1.2");
});

test("reconnects when the server closed the connection", async () => {
  const { answers } = await post(await issue(authority, "birther"), "birther", "closing");
  assert.deepEqual(
    answers.map((each: { body: { sent: number } }) => each.body.sent),
    [1, 2, 3, 4],
  );
});

test("refuses a certificate for another name", async () => {
  const { error } = await post(await issue(authority, "impostor"), "birther", "echo");
  assert.match(error, /^POST https:\/\/127\.0\.0\.1:\d+\/echo: TLS handshake: .*Common Name/);
});

test("refuses a certificate of another authority", async () => {
  const other = await makeAuthority("birther test CA");
  const { error } = await post(await issue(other, "birther"), "birther", "echo");
  assert.match(error, /TLS handshake: .*not correctly signed by the trusted CA/);
});

test("refuses an expired certificate and a future one", async () => {
  const past = await post(await issue(authority, "birther", -9, -8), "birther", "echo");
  assert.match(past.error, /TLS handshake: .*validity has expired/);
  const future = await post(await issue(authority, "birther", 8, 9), "birther", "echo");
  assert.match(future.error, /TLS handshake: .*validity starts in the future/);
});

test("refuses TLS 1.1", async () => {
  const options = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" };
  const { error } = await post(await issue(authority, "birther"), "birther", "echo", options);
  assert.match(error, /TLS handshake: /);
});

test("times out on a missing and on a partial answer", async () => {
  const certificate = await issue(authority, "birther");
  const silent = await post(certificate, "birther", "silent");
  assert.match(silent.error, /^POST .*\/silent: tlsRead: Connection timed out$/);
  const truncated = await post(certificate, "birther", "truncated");
  assert.match(truncated.error, /^POST .*\/truncated: (the server closed|tlsRead: Connection reset)/);
});

test("an endless answer ends at its limit", async () => {
  const { error } = await post(await issue(authority, "birther"), "birther", "endless");
  assert.match(error, /^POST .*\/endless: answer: expected at most 4194304 bytes, found more$/);
});

test("a handshake that drips byte by byte ends", async () => {
  const server = createTcpServer((socket) => {
    // The head of a handshake record of 16 KiB, and then its bytes one by one.
    socket.write(Buffer.from([0x16, 0x03, 0x03, 0x40, 0x00]));
    const timer = setInterval(() => socket.write("\0"), 100);
    socket.on("error", () => undefined).on("close", () => clearInterval(timer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const { error } = await runProgram(directory, "https", [
      String(port),
      join(directory, "ca.pem"),
      "birther",
      "echo",
      String(limitsMs.awaited),
    ]);
    assert.match(error, /TLS handshake: Connection timed out/);
  } finally {
    server.close();
  }
});
