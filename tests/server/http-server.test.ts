import assert from "node:assert/strict";
import { test } from "node:test";
import { startHttpServer } from "../../src/boot-server/http/server.ts";
import { admitRequest, type RequestRates } from "../../src/core/network/request-rate.ts";

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
    await using first = await start(0);
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
