import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";
import { connect as plainConnect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { connect as tlsConnect } from "node:tls";
import { Hono } from "hono";
import { startHttpServer } from "../../src/boot-server/http/server.ts";
import { paths } from "../../src/contract/machine/paths.ts";
import { operatorRoutes } from "../../src/contract/operator/routes.ts";
import { ip } from "../../src/core/net/testing/addresses.ts";
import { clientConnectionLimit } from "../../src/core/network/connections.ts";
import { apiHeaders, securityHeaders, tlsHeaders } from "../../src/core/network/security-headers.ts";
import { startMachineServer } from "../../src/mdb/machine-api/server.ts";
import { startOperatorServer, startOperatorTls } from "../../src/mdb/operator-api/server.ts";
import { openApp } from "../../src/mdb/testing/operator-app.ts";
import { operatorCertificate } from "../../src/mdb/tls/operator-certificate.ts";
import { freePort } from "../support/free-port.ts";
import { responseTo } from "../support/response-to.ts";

const state = mkdtempSync(join(tmpdir(), "birther-headers-"));
const socketPath = join(state, "api.sock");
const life = new AsyncDisposableStack();
const log = () => {};
const addresses = [ip("127.0.0.1")];
/** The names in the certificates of the two TLS servers. */
const servernames = { operators: "localhost", machines: "birther" };
const ports = { operators: 0, machines: 0, boot: 0 };
let ca: Buffer;
let token: string;
/** The machines' server refuses everything with 429 while this is set. */
let busy = false;

type Listener = "socket" | "operators" | "machines" | "boot";
type Headers = { readonly [name: string]: string };
const expected: { readonly [L in Listener]: Headers } = {
  socket: apiHeaders,
  operators: tlsHeaders,
  machines: tlsHeaders,
  boot: securityHeaders,
};

before(async () => {
  const { app, clock, tokens, [Symbol.asyncDispose]: end } = await openApp(1);
  life.defer(end);
  const made = await tokens.create({ name: "admin", role: "admin", by: "test" });
  token = made.kind === "created" ? made.token : assert.fail();
  life.use(await startOperatorServer({ path: socketPath, app, log }));
  const pki = { directory: join(state, "pki") };
  const certificate = operatorCertificate({
    config: { addresses, names: [] },
    pki,
    clock: { ...clock, nowMs: Date.now },
    log,
  });
  ports.operators = await freePort();
  life.use(await startOperatorTls({ addresses, port: ports.operators, certificate, app, log }));
  ports.machines = await freePort();
  const machines = new Hono();
  machines.post(paths.order, (c) => c.json({}));
  machines.get("/fails", () => assert.fail("a handler that throws"));
  life.use(
    await startMachineServer({
      ...{ addresses, port: ports.machines, pki, apps: [machines], clock: { ...clock, nowMs: Date.now }, log },
      connectionsPerAddress: clientConnectionLimit,
      requestLimit: () => (busy ? { kind: "refused", retryAfterSeconds: 1, say: false } : { kind: "admitted" }),
    }),
  );
  const boot = await startHttpServer({
    ...{ addresses: ["127.0.0.1"], port: 0, files: new Map([["/file", Buffer.from("whole")]]) },
    ...{ handlers: [], onSent: () => {}, log },
  });
  ports.boot = life.use(boot).port;
  ca = readFileSync(join(state, "pki/ca.pem"));
});
after(async () => {
  await life.disposeAsync();
  rmSync(state, { recursive: true });
});

type Asked = { readonly method?: string; readonly path: string; readonly headers?: Headers };

/** Status and headers of an answer, whose body may have no end. */
async function ask(listener: Listener, { method = "GET", path, headers = {} }: Asked) {
  const options = { method, path, headers: { connection: "close", ...headers }, host: "127.0.0.1" };
  const request =
    listener === "socket"
      ? plainRequest({ ...options, host: undefined, socketPath })
      : listener === "boot"
        ? plainRequest({ ...options, port: ports.boot })
        : tlsRequest({ ...options, port: ports[listener], ca, servername: servernames[listener] });
  request.end();
  const response = await responseTo(request);
  response.destroy();
  return response as { statusCode: number; headers: Headers };
}

function hasAll(listener: Listener, headers: Headers, title: string): void {
  for (const [name, value] of Object.entries(expected[listener]))
    assert.equal(headers[name], value, `${title}: ${name}`);
}

describe("every answer has the security headers of its listener", () => {
  for (const listener of ["socket", "operators"] as const)
    test(`every route of the operators' API (${listener}): answered, refused, and by a wrong method`, async () => {
      for (const { method, path } of Object.values(operatorRoutes)) {
        const concrete = path.replace(/:\w+/g, "r01u1");
        const known = { authorization: `Bearer ${token}` };
        for (const asked of [
          { method, path: concrete, headers: known },
          { method, path: concrete },
          { method: "PUT", path: concrete, headers: known },
          { method, path: `${concrete}?unknown=1`, headers: { ...known, accept: "image/png" } },
        ]) {
          const { statusCode, headers } = await ask(listener, asked);
          hasAll(listener, headers, `${asked.method} ${asked.path}: ${statusCode}`);
        }
      }
    });

  const others: readonly (readonly [Listener, number, Asked])[] = [
    ["socket", 404, { path: "/none" }],
    ["operators", 404, { path: "/none" }],
    ["machines", 404, { path: "/none" }],
    ["machines", 200, { method: "POST", path: paths.order }],
    ["machines", 200, { method: "POST", path: paths.order, headers: { expect: "a-miracle" } }],
    ["machines", 500, { path: "/fails" }],
    ["boot", 200, { path: "/file" }],
    ["boot", 200, { path: "/file", headers: { expect: "a-miracle" } }],
    ["boot", 206, { path: "/file", headers: { range: "bytes=0-1" } }],
    ["boot", 416, { path: "/file", headers: { range: "bytes=9-" } }],
    ["boot", 404, { path: "/none" }],
    ["boot", 405, { method: "DELETE", path: "/file" }],
  ];
  for (const [listener, status, asked] of others)
    test(`${listener}: ${asked.method ?? "GET"} ${asked.path}${JSON.stringify(asked.headers ?? "")}: ${status}`, async () => {
      const { statusCode, headers } = await ask(listener, asked);
      assert.equal(statusCode, status);
      hasAll(listener, headers, asked.path);
    });

  test("machines: too many requests", async () => {
    busy = true;
    const { statusCode, headers } = await ask("machines", { path: "/" });
    busy = false;
    assert.equal(statusCode, 429);
    hasAll("machines", headers, "429");
  });

  const unreadable = {
    400: "GET / HTTP/9.9\r\nno header\r\n\r\n",
    431: `GET / HTTP/1.1\r\nx: ${"x".repeat(20_000)}\r\n\r\n`,
  };
  for (const listener of Object.keys(expected) as Listener[])
    for (const [status, sent] of Object.entries(unreadable))
      test(`${listener}: what is not a request: ${status}`, async () => {
        const socket =
          listener === "socket"
            ? plainConnect(socketPath)
            : listener === "boot"
              ? plainConnect(ports.boot, "127.0.0.1")
              : tlsConnect({ port: ports[listener], host: "127.0.0.1", ca, servername: servernames[listener] });
        socket.write(sent);
        const [first = "", ...lines] = (await text(socket)).split("\r\n");
        assert.match(first, new RegExp(`^HTTP/1.1 ${status} `));
        hasAll(listener, Object.fromEntries(lines.map((line) => line.split(": "))), first);
      });
});
