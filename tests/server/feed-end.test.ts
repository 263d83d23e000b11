import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { startOperatorServer } from "../../src/mdb/operator-api/server.ts";
import { asks } from "../../src/mdb/testing/fleet.ts";
import { openApp } from "../../src/mdb/testing/operator-app.ts";
import { responseTo } from "../support/response-to.ts";

/** All bytes of an answer that has begun; rejects if it is cut. */
async function restOf(answer: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of answer) pieces.push(piece as Buffer);
  assert.ok(answer.complete, "the answer ended, and was not cut");
  return Buffer.concat(pieces);
}

test("a server that stops ends its feeds, plain and packed, as complete answers, and hangs on nobody", async () => {
  const directory = mkdtempSync(join(tmpdir(), "birther-feeds-"));
  const ending = new AbortController();
  await using opened = await openApp(1, 0, [], () => ({ ending: ending.signal }));
  const path = join(directory, "api.sock");
  const server = await startOperatorServer({ path, app: opened.app, log: () => {} });
  try {
    const open = async (route: string, packing?: string) => {
      const headers = packing === undefined ? {} : { "accept-encoding": packing };
      const asked = request({ socketPath: path, path: route, headers }).end();
      const answer = await responseTo(asked);
      const begun = once(answer, "data");
      return { begun, rest: restOf(answer) };
    };
    const feeds = [await open("/v1/fleet/changes", "gzip"), await open("/v1/fleet/changes"), await open("/v1/changes")];
    await Promise.all(feeds.map(({ begun }) => begun));
    await opened.store.apply(asks(2));
    // One that does not read, and one that never finishes its request.
    const stuck = request({ socketPath: path, path: "/v1/changes", method: "POST" });
    stuck.on("error", () => {});
    stuck.write("{");
    ending.abort();
    const startMs = performance.now();
    await server[Symbol.asyncDispose]();
    assert.ok(performance.now() - startMs < 60_000, "it does not wait for those that hang");
    const [packed, plain, changes] = await Promise.all(feeds.map(({ rest }) => rest));
    assert.match(gunzipSync(packed ?? Buffer.alloc(0)).toString(), /^retry: .*\nid: .*\nevent: position\n/);
    assert.match(String(plain), /event: position/);
    assert.match(String(changes), /event: position/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
