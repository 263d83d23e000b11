import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { getRequestListener } from "@hono/node-server";
import { copyPaths } from "../../src/contract/copies.ts";
import { packPath } from "../../src/contract/sub.ts";
import { copyApp } from "../../src/dominator/copies/copy-app.ts";
import { confidentialStores } from "../../src/dominator/storage/confidential-stores.ts";
import { openImageStore } from "../../src/dominator/storage/image-store.ts";
import { type ObjectStore, openObjectStore } from "../../src/dominator/storage/object-store.ts";
import { objectsHandler } from "../../src/dominator/storage/objects-handler.ts";
import { packNames } from "../../src/dominator/storage/packs/pack-files.ts";
import { openPackWriter } from "../../src/dominator/storage/packs/pack-writer.ts";
import { until } from "../../src/mdb/testing/fleet.ts";
import { openApp } from "../../src/mdb/testing/operator-app.ts";

const directory = mkdtempSync(join(tmpdir(), "birther-abandoned-"));
after(() => rmSync(directory, { recursive: true }));
const quiet = () => undefined;

let objects: ObjectStore;
before(async () => {
  objects = await openObjectStore(join(directory, "objects"));
  const writer = openPackWriter(objects.directory);
  writer.store(Buffer.alloc(1 << 20, 7));
  writer.seal();
});

/** The files that this process holds open, deleted ones too, whose path has this part. */
function heldOpen(part: string): readonly string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      return path.includes(part) ? [path] : [];
    } catch {
      // The descriptor with which the directory was read.
      return [];
    }
  });
}

const closesAll = (part: string) => until(`no file of ${part} is open`, () => heldOpen(part).length === 0);

async function serve(listener: RequestListener) {
  const server = createServer(listener);
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await once(server.close(), "close");
    },
  };
}

const clients = 20;

test("clients that go before their answer begins leave no file of a pack or manifest open", async () => {
  const images = await openImageStore(join(directory, "images"), { log: quiet });
  const image = { createdAtMs: 5, source: "test", filter: [], tree: { inodes: [], entries: [] } };
  const { manifest } = await images.add("compute", image);
  let failed = 0;
  const handler = objectsHandler({
    ...{ objects, manifests: images },
    log: () => {
      failed += 1;
    },
  });
  let heard = Promise.withResolvers<void>();
  await using server = await serve((request, response) => {
    // The client goes when its request is here, and the answer begins when it has gone: nothing is left to chance.
    response.on("close", () => void handler(request, response));
    heard.resolve();
  });
  for (const path of [`${packPath}${packNames(objects.directory)[0]}`, `/manifests/${manifest.sha512}`]) {
    failed = 0;
    for (let count = 0; count < clients; count += 1) {
      heard = Promise.withResolvers();
      const client = connect(server.port, "127.0.0.1").on("error", quiet);
      client.write(`GET ${path} HTTP/1.1\r\nhost: birther\r\n\r\n`);
      await heard.promise;
      client.resetAndDestroy();
    }
    await until(`${clients} answers fail`, () => failed === clients);
    await closesAll(directory);
  }
});

test("an answer to HEAD leaves no manifest open", async () => {
  const images = await openImageStore(join(directory, "headed"), { log: quiet });
  const image = { createdAtMs: 5, source: "test", filter: [], tree: { inodes: [], entries: [] } };
  const { manifest } = await images.add("compute", image);
  const confidential = confidentialStores(join(directory, "confidential"));
  const app = copyApp({ images, objects, confidential, secret: "s", readLog: async () => [] });
  await using server = await serve(getRequestListener(app.fetch));
  const url = `http://127.0.0.1:${server.port}${copyPaths.manifest}${manifest.sha512}`;
  const headers = { authorization: "Bearer s" };
  for (let count = 0; count < clients; count += 1) {
    const head = await fetch(url, { method: "HEAD", headers });
    assert.deepEqual([head.status, head.headers.get("content-length")], [200, String(manifest.size)]);
  }
  assert.equal((await (await fetch(url, { headers })).text()).length, manifest.size);
  await closesAll(directory);
});

test("an answer to HEAD leaves no backup open", async () => {
  await using opened = await openApp(1);
  const head = await opened.ask("/v1/backup", { method: "HEAD" });
  assert.equal(head.status, 200);
  assert.ok(Number(head.headers.get("content-length")) > 0);
  await closesAll("backup-");
});
