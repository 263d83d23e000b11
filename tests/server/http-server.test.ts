import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { test } from "node:test";
import { startHttpServer } from "../../src/boot-server/http/server.ts";
import { admitRequest, type RequestRates } from "../../src/core/network/request-rate.ts";
import { freePort } from "../support/free-port.ts";

test("a port used by another server: the error names address and reason, and nothing is left open", async () => {
  const start = (port: number, ...addresses: string[]) =>
    startHttpServer({
      addresses: [...addresses, "127.0.0.1"],
      port,
      files: new Map(),
      handlers: [],
      onSent: () => {},
      log: () => {},
    });
  const { port } = await (async () => {
    await using first = await start(await freePort());
    await assert.rejects(
      start(first.port, "127.0.0.2"),
      new RegExp(`127\\.0\\.0\\.1:${first.port} failed: bind.*EADDRINUSE; .*ss -ltnp`),
    );
    return first;
  })();
  await using again = await start(port, "127.0.0.2");
  assert.equal(again.port, port);
});

test("an address beyond its limit is refused with Retry-After, and the log names it once; later it is served again", async () => {
  let nowMs = 0;
  const rates: RequestRates = new Map();
  const logged: string[] = [];
  await using server = await startHttpServer({
    ...{ addresses: ["127.0.0.1"], port: 0, files: new Map([["/kernel", Buffer.from("bytes")]]), handlers: [] },
    requestLimit: (address) => admitRequest(rates, address, { perMinute: 60, nowMs }),
    onSent: () => {},
    log: (level, message, facts) => level === "warn" && logged.push(`${message} ${JSON.stringify(facts)}`),
  });
  const ask = async () => {
    const answer = await fetch(`http://127.0.0.1:${server.port}/kernel`);
    await answer.arrayBuffer();
    return answer;
  };
  for (let n = 0; n < 60; n += 1) assert.equal((await ask()).status, 200);
  const refused = [await ask(), await ask()];
  assert.deepEqual(
    refused.map(({ status, headers }) => [status, headers.get("retry-after")]),
    [
      [429, "1"],
      [429, "1"],
    ],
  );
  assert.match(logged.join("\n"), /^an address sends too many requests.*127\.0\.0\.1[^\n]*$/);
  nowMs += 2000;
  assert.equal((await ask()).status, 200);
});

/** Sends one raw request of `tests/captures/field/http`; resolves with all bytes until the server closes or answers HEAD. */
async function rawAnswer(port: number, name: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.write(readFileSync(new URL(`../captures/field/http/${name}.req`, import.meta.url)));
  let text = "";
  for await (const chunk of socket) {
    text += String(chunk);
    if (text.includes("\r\n\r\n")) break;
  }
  return text;
}

for (const [name, status] of [
  ["range-head", 200],
  ["folded-header", 400],
  ["bare-lf", 400],
] as const)
  test(`field case ${name}: ${status}, never a silent close`, async () => {
    await using server = await startHttpServer({
      ...{ addresses: ["127.0.0.1"], port: 0, files: new Map([["/snponly.efi", Buffer.alloc(1000)]]), handlers: [] },
      ...{ onSent: () => {}, log: () => {} },
    });
    const answer = await rawAnswer(server.port, name);
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `));
    if (status === 200) assert.match(answer, /content-length: 1000\r\n/);
    else assert.match(answer, /connection: close\r\n/);
  });
