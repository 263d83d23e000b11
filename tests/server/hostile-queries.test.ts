import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { operatorRoutes } from "../../src/contract/operator/routes.ts";
import { startOperatorServer } from "../../src/mdb/operator-api/server.ts";
import { openApp } from "../../src/mdb/testing/operator-app.ts";
import { responseTo } from "../support/response-to.ts";

const state = mkdtempSync(join(tmpdir(), "birther-queries-"));
const socketPath = join(state, "api.sock");
const life = new AsyncDisposableStack();
const logged: string[] = [];

before(async () => {
  const { app, [Symbol.asyncDispose]: end } = await openApp(30);
  life.defer(end);
  const log = (level: string, message: string) => void (level === "error" && logged.push(message));
  life.use(await startOperatorServer({ path: socketPath, app, log }));
});
after(async () => {
  await life.disposeAsync();
  rmSync(state, { recursive: true });
});

/** Positions, times, limits, selections and names as nobody should send them. */
const hostile = [
  ...["", "0", "-1", "1e309", "NaN", "9007199254740993", "99999999999999999999999", "0x10", "1.5", " 1", "١"],
  ...["__proto__", "constructor", "toString", "..", "../../etc/passwd", "%00", "a\u0000b", "a\r\nset-cookie: b=c"],
  ...["=".repeat(5000), ",".repeat(5000), "state=".repeat(1000), "(".repeat(5000), "*".repeat(5000), "\ud800", "null"],
  ...["state=healthy,".repeat(600), "1970-01-01T00:00:00Z", "+275760-09-13T00:00:00.001Z", "999999999d", "{}", "[]"],
];

type Answer = { readonly status: number; readonly headers: NodeJS.Dict<string | string[]> };

/** Status and headers; the body may have no end. */
async function get(path: string, headers: { readonly [name: string]: string } = {}): Promise<Answer> {
  const sent = request({ socketPath, path, headers: { connection: "close", ...headers } }).end();
  const response = await responseTo(sent);
  response.destroy();
  return { status: response.statusCode, headers: response.headers };
}

const gets = Object.values(operatorRoutes).filter(({ method }) => method === "GET");

test("hostile values of every parameter of every route that reads are answered, never with a fault of the server", async () => {
  let asked = 0;
  for (const { path, query } of gets) {
    const names = Object.keys("entries" in query ? (query.entries as object) : {});
    for (const value of hostile) {
      const text = encodeURIComponent(value.toWellFormed());
      const inPath = path.replace(/:\w+/g, text || "x");
      const questions = [
        ...(inPath === path ? [] : [inPath]),
        ...names.flatMap((name) => [`${name}=${text}`, `${name}=1&${name}=${text}`].map((one) => `${inPath}?${one}`)),
      ];
      for (const question of questions) {
        const { status, headers } = await get(question);
        assert.ok(status < 500, `${question.slice(0, 200)}: ${status}`);
        assert.equal(headers["set-cookie"], undefined, question.slice(0, 200));
        asked += 1;
      }
    }
  }
  assert.ok(asked > 500, `${asked} questions`);
  assert.deepEqual(logged, []);
});

test("hostile positions of a feed and marks of former answers are answered", async () => {
  for (const { path } of gets.filter(({ path }) => !path.includes(":")))
    for (const value of hostile.filter((text) => /^[\x20-\x7e]*$/.test(text)))
      for (const name of ["last-event-id", "if-none-match", "accept-encoding", "cookie"]) {
        const { status } = await get(path, { [name]: value });
        assert.ok(status < 500, `${path} ${name}: ${value.slice(0, 100)}: ${status}`);
      }
  assert.deepEqual(logged, []);
});
