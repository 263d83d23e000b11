import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { startTftpServer } from "../../src/boot-server/tftp/server.ts";
import { prefixContains } from "../../src/core/net/ipv4.ts";
import { ip, prefix } from "../../src/core/net/testing/addresses.ts";
import type { Role } from "../../src/core/role.ts";
import { systemClock as clock } from "../../src/main/system-ports.ts";
import { tokenLimit } from "../../src/mdb/operator-api/caller/tokens.ts";
import { watchersPerCaller } from "../../src/mdb/operator-api/feed/change-feed.ts";
import { startOperatorTls } from "../../src/mdb/operator-api/server.ts";
import { until } from "../../src/mdb/testing/fleet.ts";
import { openApp } from "../../src/mdb/testing/operator-app.ts";
import { operatorCertificate } from "../../src/mdb/tls/operator-certificate.ts";
import { freePort } from "../support/free-port.ts";
import { responseTo } from "../support/response-to.ts";
import { repeatAttack } from "./attack.ts";

const state = mkdtempSync(join(tmpdir(), "birther-near-"));
const life = new AsyncDisposableStack();
const log = () => {};
const [attacker, operator] = ["127.0.0.66", "127.0.0.1"];
let port: number;
let tokens: { readonly viewer: string; readonly admin: string };

before(async () => {
  const site = life.use(await openApp(1));
  const newToken = async (role: Role) => {
    const made = await site.tokens.create({ name: role, role, by: "test" });
    return made.kind === "created" ? made.token : assert.fail();
  };
  tokens = { viewer: await newToken("viewer"), admin: await newToken("admin") };
  const certificate = operatorCertificate({
    config: { addresses: [ip(operator)], names: [] },
    ...{ pki: { directory: join(state, "pki") }, clock, log },
  });
  port = await freePort();
  life.use(await startOperatorTls({ addresses: [ip(operator)], port, certificate, app: site.app, log }));
});
after(async () => {
  await life.disposeAsync();
  rmSync(state, { recursive: true });
});

/** The head of an answer to a caller with this token at this address, or undefined if it gets none. */
async function ask(path: string, token: string, localAddress: string): Promise<IncomingMessage | undefined> {
  const ca = readFileSync(join(state, "pki/ca.pem"));
  const headers = { authorization: `Bearer ${token}` };
  const sent = request({ host: operator, port, ca, path, headers, localAddress, agent: false, timeout: 60_000 });
  sent.on("timeout", () => sent.destroy());
  sent.end();
  const response = await responseTo(sent).catch(() => undefined);
  return response;
}

async function statusOf(path: string, token: string, from: string): Promise<number | undefined> {
  const response = await ask(path, token, from);
  response?.resume();
  return response?.statusCode;
}

test("watchers of one viewer's token lock out neither other tokens nor other addresses", {
  timeout: 120_000,
}, async (t) => {
  const watchers: IncomingMessage[] = [];
  try {
    for (let n = 0; n < 3 * watchersPerCaller; n += 1) {
      const response = await ask("/v1/changes", tokens.viewer, attacker);
      if (response === undefined) continue;
      watchers.push(response);
      response.on("error", () => {});
      // A watcher counts from when it is read.
      response.once("data", () => {});
    }
    const accepted = watchers.filter(({ statusCode }) => statusCode === 200).length;
    assert.ok(accepted > 0 && accepted <= watchersPerCaller, `${accepted} watchers on one token`);
    await repeatAttack(t, 10, async () => {
      const status = await statusOf("/v1/status", tokens.admin, operator);
      return status === 200 ? undefined : `an admin gets ${status}`;
    });
  } finally {
    for (const response of watchers) response.destroy();
  }
});

test("wrong tokens from an address keep a valid token at that address from nothing", {
  timeout: 120_000,
}, async (t) => {
  let refused = 0;
  await repeatAttack(t, 10, async (round) => {
    const wrong = Array.from({ length: 5 }, (_, n) => `birther.viewer.${String(round * 5 + n).padStart(64, "f")}`);
    for (const token of wrong) if ((await statusOf("/v1/status", token, attacker)) === 429) refused += 1;
    const status = await statusOf("/v1/status", tokens.viewer, attacker);
    return status === 200 ? undefined : `the valid token gets ${status}`;
  });
  assert.ok(refused > 0, "the wrong ones are limited");
});

test("TFTP answers no address outside of the configured networks", {
  timeout: 60_000,
}, async (t) => {
  const tftpPort = await freePort();
  const network = prefix("127.0.0.0/24");
  await using _server = await startTftpServer({
    ...{ addresses: [operator], port: tftpPort, files: new Map([["loader", Buffer.alloc(100_000)]]), clock, log },
    ...{ serves: (client) => prefixContains(network, client), onSent: () => {} },
  });
  /** A client that sends one request and acknowledges nothing, and the bytes that it got so far. */
  const requestFrom = async (address: string) => {
    const socket = createSocket("udp4").bind(0, address);
    await once(socket, "listening");
    let bytes = 0;
    socket.on("message", (message) => {
      bytes += message.length;
    });
    socket.send("\0\x01loader\0octet\0blksize\x001428\0", tftpPort, operator);
    return { bytes: () => bytes, [Symbol.dispose]: () => void socket.close() };
  };
  await repeatAttack(t, 10, async (round) => {
    using stranger = await requestFrom(`127.0.9.${round + 1}`);
    // The server has seen the stranger's request when it answers a later one.
    using own = await requestFrom("127.0.0.66");
    await until("a client of ours is served", () => own.bytes() > 0);
    await wait(100);
    return stranger.bytes() === 0 ? undefined : `${stranger.bytes()} bytes`;
  });
});

/** Sends UDP packets with source port 0, each to a port and with bytes in hex; a raw socket needs root (raw(7)). */
function sendFromNowhere(packets: readonly (readonly [port: number, hex: string])[]): void {
  const program = `socket(my $raw, PF_INET, SOCK_RAW, 17) or die $!;
    while (my ($port, $hex) = splice @ARGV, 0, 2) {
      my $payload = pack "H*", $hex;
      my $packet = pack("n4", 0, $port, 8 + length $payload, 0) . $payload;
      send $raw, $packet, 0, sockaddr_in(0, inet_aton("${operator}")) or die $!;
    }`;
  execFileSync("perl", ["-MSocket", "-e", program, ...packets.flat().map(String)]);
}

test("TFTP packets that name no port to answer to end no server, and are not answered", {
  timeout: 60_000,
}, async (t) => {
  const tftpPort = await freePort();
  const said: string[] = [];
  await using _server = await startTftpServer({
    ...{ addresses: [operator], port: tftpPort, files: new Map([["loader", Buffer.alloc(2000)]]), clock },
    ...{ onSent: () => {}, log: (level, message) => void said.push(`${level} ${message}`) },
  });
  const own = createSocket("udp4").bind(0, operator);
  t.after(() => own.close());
  await once(own, "listening");
  let [answers, dataPort] = [0, 0];
  own.on("message", (_bytes, from) => {
    answers += 1;
    dataPort = from.port;
  });
  const request = Buffer.from("\0\x01loader\0octet\0", "latin1");
  await repeatAttack(t, 10, async () => {
    const hex = (text: string) => Buffer.from(text, "latin1").toString("hex");
    sendFromNowhere([
      [tftpPort, hex("\0\x01")],
      [tftpPort, hex("\0\x01none\0octet\0")],
      [tftpPort, request.toString("hex")],
      ...(dataPort === 0 ? [] : [[dataPort, hex("\0\x04\0\x01")] as const]),
    ]);
    const before = answers;
    own.send(request, tftpPort, operator);
    await until("a client of ours is served", () => answers > before);
    const noted = said.filter((line) => !/server listening|transfer/.test(line));
    return noted.length === 0 ? undefined : noted.join();
  });
});

test("an admin's token cannot make tokens without end, and those that there are still work", {
  timeout: 120_000,
}, async (t) => {
  await using site = await openApp(1);
  const made: string[] = [];
  for (let n = 0; n < tokenLimit; n += 1) {
    const one = await site.tokens.create({ name: `token-${n}`, role: "admin", by: "test" });
    made.push(one.kind === "created" ? one.token : assert.fail(one.kind));
  }
  await repeatAttack(t, 10, async (round) => {
    const more = await site.post("/v1/tokens", { name: `more-${round}`, role: "viewer" });
    if (more.status !== 409) return `status ${more.status}`;
    const proof = site.tokens.prove(`Bearer ${made[round * 100]}`);
    return proof.kind === "known" ? undefined : proof.kind;
  });
  assert.equal(await site.tokens.revoke("token-0", "test"), true);
  assert.equal((await site.post("/v1/tokens", { name: "more", role: "viewer" })).status, 201);
});
