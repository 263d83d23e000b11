import assert from "node:assert/strict";
import { test } from "node:test";
import { startHttpServer } from "../../src/boot-server/http/server.ts";

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
