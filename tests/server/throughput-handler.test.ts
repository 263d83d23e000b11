import assert from "node:assert/strict";
import { test } from "node:test";
import { startHttpServer } from "../../src/boot-server/http/server.ts";
import { throughputHandler } from "../../src/boot-server/http/throughput-handler.ts";

test("the requested number of bytes, up to a limit", async () => {
  const log = () => {};
  await using server = await startHttpServer({
    addresses: ["127.0.0.1"],
    port: 0,
    files: new Map(),
    handlers: [throughputHandler(log)],
    onSent: () => {},
    log,
  });
  const get = (path: string) => fetch(`http://127.0.0.1:${server.port}${path}`);
  for (const bytes of [0, 1, 262_144, 1_000_001]) {
    const answer = await get(`/throughput/${bytes}`);
    assert.equal(Number(answer.headers.get("content-length")), bytes);
    assert.equal((await answer.arrayBuffer()).byteLength, bytes);
  }
  for (const path of ["/throughput/", "/throughput/-1", "/throughput/9999999999", "/throughput/1x"]) {
    assert.equal((await get(path)).status, 404);
  }
});
