import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:https";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ip } from "../../src/core/net/testing/addresses.ts";
import { systemClock as clock } from "../../src/main/system-ports.ts";
import { startOperatorTls } from "../../src/mdb/operator-api/server.ts";
import { until } from "../../src/mdb/testing/fleet.ts";
import { openApp } from "../../src/mdb/testing/operator-app.ts";
import { operatorCertificate } from "../../src/mdb/tls/operator-certificate.ts";
import { freePort } from "../support/free-port.ts";
import { responseTo } from "../support/response-to.ts";
import { repeatAttack } from "./attack.ts";

const state = mkdtempSync(join(tmpdir(), "birther-full-"));
const life = new AsyncDisposableStack();
const log = () => {};
const operator = "127.0.0.1";
/** Far fewer than 4,096, so that strangers on loopback can fill it. */
const connections = 60;
let port: number;
let token: string;

before(async () => {
  const site = life.use(await openApp(1));
  const made = await site.tokens.create({ name: "ann", role: "viewer", by: "test" });
  token = made.kind === "created" ? made.token : assert.fail();
  const certificate = operatorCertificate({
    config: { addresses: [ip(operator)], names: [] },
    ...{ pki: { directory: join(state, "pki") }, clock, log },
  });
  port = await freePort();
  const { app } = site;
  life.use(await startOperatorTls({ addresses: [ip(operator)], port, certificate, app, log, connections }));
});
after(async () => {
  await life.disposeAsync();
  rmSync(state, { recursive: true });
});

/** A connection of a stranger that sends this and no more: nothing, or the beginning of a handshake. */
async function halfOpen(localAddress: string, bytes: Uint8Array): Promise<Socket> {
  const socket = connect({ host: operator, port, localAddress });
  socket.on("error", () => {});
  await Promise.race([once(socket, "connect"), once(socket, "close")]);
  if (bytes.length > 0 && socket.writable) socket.write(bytes);
  return socket;
}

async function statusFor(agent: false | undefined): Promise<number | string> {
  const ca = readFileSync(join(state, "pki/ca.pem"));
  const headers = { authorization: `Bearer ${token}` };
  const sent = request({ host: operator, port, ca, path: "/v1/status", headers, agent, timeout: 60_000 });
  sent.on("timeout", () => sent.destroy(new Error("no answer within a minute")));
  sent.end();
  try {
    const response = await responseTo(sent);
    response.resume();
    return response.statusCode;
  } catch (error) {
    return String(error);
  }
}

/** The head of a TLS record that announces 512 bytes of a ClientHello. */
const beginning = Uint8Array.of(22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3);

for (const [what, bytes] of [
  ["send nothing", new Uint8Array()],
  ["begin a handshake", beginning],
] as const)
  test(`connections of many addresses that ${what} keep no operator out`, { timeout: 120_000 }, async (t) => {
    const strangers: Socket[] = [];
    try {
      await repeatAttack(t, 10, async (round) => {
        for (let n = 0; n < 2 * connections; n += 1)
          strangers.push(await halfOpen(`127.0.${round + 1}.${1 + (n % 12)}`, bytes));
        const status = await statusFor(false);
        return status === 200 ? undefined : `the operator gets ${status}`;
      });
      // A stranger hears a little later that it is dropped.
      const open = () => strangers.filter(({ closed, destroyed }) => !closed && !destroyed).length;
      await until("the others are dropped", () => open() <= connections);
    } finally {
      for (const socket of strangers) socket.destroy();
    }
  });

test("a handshake that does not end is closed within half a minute", { timeout: 120_000 }, async () => {
  const sockets = await Promise.all(Array.from({ length: 5 }, () => halfOpen("127.0.9.1", beginning)));
  await Promise.all(
    sockets.map((socket) => socket.closed || once(socket.resume(), "close", { signal: AbortSignal.timeout(60_000) })),
  );
});
