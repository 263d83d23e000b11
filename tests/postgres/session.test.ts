import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { test } from "node:test";
import pg from "pg";
import { parseConnectionString } from "../../src/mdb/postgres/connection-string.ts";
import { isPassing, isRefusedData, openSession } from "../../src/mdb/postgres/session.ts";

/** A server's error with a SQLSTATE, as the library passes it on. */
const said = (code: string) => Object.assign(new pg.DatabaseError("said", 4, "error"), { code });
const ofNode = (code: string) => Object.assign(new Error("said"), { code });

const errors: readonly (readonly [title: string, cause: unknown, passing: boolean, refusedData: boolean])[] = [
  ["the server shuts down", said("57P01"), true, false],
  ["the server starts", said("57P03"), true, false],
  ["a statement was cancelled", said("57014"), false, false],
  ["the connection failed", said("08006"), true, false],
  ["a deadlock", said("40P01"), true, false],
  ["a standby", said("25006"), true, false],
  ["too many connections", said("53300"), true, false],
  ["the disk is full", said("53100"), false, false],
  ["the password is wrong", said("28P01"), false, false],
  ["no such database", said("3D000"), false, false],
  ["a NUL in text", said("22P05"), false, true],
  ["a duplicate key", said("23505"), false, true],
  ["nobody listens", ofNode("ECONNREFUSED"), true, false],
  ["no such host", ofNode("ENOTFOUND"), true, false],
  ["a certificate that has expired", ofNode("CERT_HAS_EXPIRED"), false, false],
  ["another SQLSTATE's digits, but Node's error", ofNode("57P01"), false, false],
  ["a message alone decides nothing", new Error("Connection terminated"), false, false],
  ["no error", "Connection terminated", false, false],
];
for (const [title, cause, passing, refusedData] of errors) {
  test(`${title}: ${passing ? "may pass" : "does not pass"}${refusedData ? ", refused data" : ""}`, () => {
    assert.deepEqual([isPassing(cause), isRefusedData(cause)], [passing, refusedData]);
  });
}

/** The error of `openSession` against a server that does this with each connection. */
async function failureAgainst(serve: (socket: Socket) => void, query = ""): Promise<unknown> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => serve(socket));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  try {
    return await openSession(parseConnectionString(`postgres://127.0.0.1:${port}/x${query}`)).then(
      () => assert.fail("a session was opened"),
      (cause: unknown) => cause,
    );
  } finally {
    server.close();
  }
}

test("a server that hangs up during a query may come back", async () => {
  assert.equal(isPassing(await failureAgainst((socket) => socket.end())), true);
  assert.equal(isPassing(await failureAgainst((socket) => socket.resetAndDestroy())), true);
});

test("a server without TLS will not get it later", async () => {
  assert.equal(isPassing(await failureAgainst((socket) => socket.write("N"), "?sslmode=verify-full")), false);
});
