import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openImageStore } from "../../src/dominator/storage/image-store.ts";
import { openObjectStore } from "../../src/dominator/storage/object-store.ts";
import { objectsHandler } from "../../src/dominator/storage/objects-handler.ts";

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "birther-stores-"));
});
after(() => rm(directory, { recursive: true }));

const image = { createdAtMs: 5, source: "test", filter: [], tree: { inodes: [], entries: [] } };

test("images: versions are counted, names are never reused, and everything is durable", async () => {
  const place = join(directory, "images");
  const images = await openImageStore(place);
  const other = await openImageStore(place);
  assert.equal((await images.add("compute", image)).name, "compute/1");
  assert.equal((await images.add("compute", image)).name, "compute/2");
  // The other store does not know of them, and still takes no name away.
  assert.equal((await other.add("compute", { ...image, source: "other" })).name, "compute/3");
  const again = await openImageStore(place);
  assert.deepEqual([...again.names()].sort(), ["compute/1", "compute/2", "compute/3"]);
  assert.equal(again.resolve("compute")?.source, "other");
  assert.equal(again.resolve("compute/1")?.source, "test");
  assert.equal(again.resolve("storage"), undefined);
  await assert.rejects(images.add("../x", image), /image name: expected/);
  await assert.rejects(images.add("bad", { ...image, tree: { inodes: [], entries: [["/a", 3]] } }), /names inode 3/);
});

test("images: a damaged manifest is named", async () => {
  const place = join(directory, "damaged");
  await (await openImageStore(place)).add("compute", image);
  await writeFile(join(place, "compute/1.json"), "{");
  await assert.rejects(openImageStore(place), /image compute\/1: reading .*1\.json failed/);
});

test("objects: stored once under their hash, drafts removed", async () => {
  const place = join(directory, "objects");
  const objects = await openObjectStore(place);
  const [one, two] = await Promise.all([
    objects.add([Buffer.from("hello")]),
    objects.add([Buffer.from("he"), Buffer.from("llo")]),
  ]);
  assert.deepEqual(one, two);
  assert.equal(one.size, 5);
  assert.deepEqual(await objects.add([]), { sha512: "", size: 0 });
  assert.deepEqual((await readdir(place, { recursive: true })).sort().slice(0, 3), [
    "9b",
    "9b/71",
    `9b/71/${one.sha512.slice(4)}`,
  ]);
  assert.deepEqual(await readdir(join(place, "drafts")), []);
  assert.equal(await objects.sizeOf("../../etc/passwd"), undefined);
  assert.throws(() => objects.read("../../etc/passwd"), /object name: expected/);
});

type Answer = { readonly status: number; readonly body: Buffer };

async function ask(port: number, method: string, path: string, body = ""): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ port, host: "127.0.0.1", method, path, agent: false }, async (response) => {
      const pieces: Buffer[] = [];
      for await (const piece of response) pieces.push(piece);
      resolve({ status: response.statusCode ?? 0, body: Buffer.concat(pieces) });
    });
    request.on("error", reject);
    request.end(body);
  });
}

test("objects over HTTP: one, many in the requested order, and clear refusals", async () => {
  const objects = await openObjectStore(join(directory, "served"));
  const hello = await objects.add([Buffer.from("hello")]);
  const large = await objects.add([Buffer.alloc(3_000_000, 7)]);
  const handler = objectsHandler({ objects, log: () => undefined });
  const server = createServer((request, response) => {
    if (!handler(request, response)) response.writeHead(404).end("not ours");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as AddressInfo;
    assert.deepEqual(await ask(port, "GET", `/objects/${hello.sha512}`), { status: 200, body: Buffer.from("hello") });
    assert.equal((await ask(port, "HEAD", `/objects/${hello.sha512}`)).body.length, 0);
    const both = await ask(port, "POST", "/objects", `${large.sha512}\n${hello.sha512}\n`);
    const expected = Buffer.concat([
      Buffer.from(`${large.sha512} 3000000\n`),
      Buffer.alloc(3_000_000, 7),
      Buffer.from(`${hello.sha512} 5\nhello`),
    ]);
    assert.equal(both.status, 200);
    assert.ok(both.body.equals(expected));
    assert.equal((await ask(port, "POST", "/objects", "")).body.length, 0);
    const absent = "0".repeat(128);
    assert.equal((await ask(port, "POST", "/objects", `${hello.sha512}\n${absent}`)).status, 404);
    for (const [method, path, status] of [
      ["GET", `/objects/${absent}`, 404],
      ["GET", "/objects/../../etc/passwd", 404],
      ["PUT", `/objects/${hello.sha512}`, 405],
      ["GET", "/objects", 405],
    ] as const) {
      assert.equal((await ask(port, method, path)).status, status, `${method} ${path}`);
    }
    assert.equal((await ask(port, "POST", "/objects", "nonsense")).status, 400);
    assert.equal((await ask(port, "GET", "/elsewhere")).body.toString(), "not ours");
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
