import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { readPackIndex } from "../../src/core/image/pack-index.ts";
import type { Log } from "../../src/core/ports.ts";
import { openImageStore } from "../../src/dominator/storage/image-store.ts";
import { openObjectStore } from "../../src/dominator/storage/object-store.ts";
import { objectsHandler } from "../../src/dominator/storage/objects-handler.ts";
import { packNames } from "../../src/dominator/storage/packs/pack-files.ts";
import { openPackWriter } from "../../src/dominator/storage/packs/pack-writer.ts";
import { damagedObjects, startScrub } from "../../src/dominator/storage/scrub.ts";
import { sha512Of } from "../../src/dominator/storage/sha512.ts";
import { inlineTasks } from "../../src/dominator/thread/tasks.ts";

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "birther-stores-"));
});
after(() => rm(directory, { recursive: true }));

const logged: string[] = [];
const log: Log = (level, message, facts) => logged.push(`${level} ${message} ${JSON.stringify(facts)}`);

const image = { createdAtMs: 5, source: "test", filter: [], tree: { inodes: [], entries: [] } };

test("images: versions are counted, names are never reused, and everything is durable", async () => {
  const place = join(directory, "images");
  const images = await openImageStore(place, { log });
  const other = await openImageStore(place, { log });
  assert.equal((await images.add("compute", image)).name, "compute/1");
  assert.equal((await images.add("compute", image)).name, "compute/2");
  // The other store does not know of them, and still takes no name away.
  assert.equal((await other.add("compute", { ...image, source: "other" })).name, "compute/3");
  const again = await openImageStore(place, { log });
  assert.deepEqual([...again.names()].sort(), ["compute/1", "compute/2", "compute/3"]);
  assert.equal(again.get("compute/3")?.source, "other");
  assert.equal(again.get("compute/1")?.source, "test");
  assert.equal(again.get("compute"), undefined, "a stream is no image: the MDB knows its current version");
  await assert.rejects(images.add("../x", image), /image name: expected/);
  await assert.rejects(images.add("bad", { ...image, tree: { inodes: [], entries: [["/a", 3]] } }), /names inode 3/);
});

test("images: the name of a removed image is not given again, also not by a process that did not hear of the removal", async () => {
  const place = join(directory, "removed");
  const images = await openImageStore(place, { log });
  for (const source of ["one", "two"]) await images.add("compute", { ...image, source });
  const other = await openImageStore(place, { log });
  const sha512 = images.get("compute/2")?.manifest.sha512 ?? "";
  assert.equal(await images.remove("compute/2"), true);
  assert.equal(await images.remove("compute/2"), false);
  assert.deepEqual([images.names(), images.findManifest(sha512)], [["compute/1"], undefined]);
  assert.deepEqual(images.taken(), ["compute/1", "compute/2"]);
  await other.refresh();
  assert.deepEqual(other.names(), ["compute/1"]);
  const late = await openImageStore(place, { log });
  // As if a power cut had come between the mark and the manifest.
  await writeFile(join(place, "compute/2.json"), "{}");
  assert.deepEqual((await openImageStore(place, { log })).names(), ["compute/1"]);
  await writeFile(join(place, "compute/3.removed"), "");
  for (const each of [images, other, late]) assert.ok((await each.add("compute", image)).name > "compute/3");
});

test("images: an unreadable manifest is skipped and named once; the others are there, and its number is not given again", async () => {
  const place = join(directory, "damaged");
  const before = await openImageStore(place, { log });
  await before.add("compute", image);
  await before.add("compute", image);
  const whole = await readFile(join(place, "compute/2.json"));
  await writeFile(join(place, "compute/2.json"), "{");
  logged.length = 0;
  const images = await openImageStore(place, { log });
  await images.refresh();
  assert.deepEqual(images.names(), ["compute/1"]);
  assert.match(images.unreadable()[0]?.fault ?? "", /image compute\/2: reading .*2\.json failed: .*JSON/);
  assert.match(logged.join("\n"), /^error skipped an image.*"name":"compute\/2"[^\n]*$/);
  assert.equal((await images.add("compute", image)).name, "compute/3");
  await writeFile(join(place, "compute/2.json"), whole);
  await images.refresh();
  assert.deepEqual([...images.names()].sort(), ["compute/1", "compute/2", "compute/3"]);
  assert.deepEqual(images.unreadable(), []);
});

test("images: what another process adds while a look is under way is there after the next one", async () => {
  const place = join(directory, "looked");
  const other = await openImageStore(place, { log });
  const [begun, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const summarise = async (path: string, name: string) => {
    begun.resolve();
    await goOn.promise;
    return await inlineTasks().summarise(path, name);
  };
  const images = await openImageStore(place, { tasks: { summarise }, log });
  await other.add("compute", image);
  const first = images.refresh();
  await begun.promise;
  await other.add("compute", image);
  const second = images.refresh();
  goOn.resolve();
  await Promise.all([first, second]);
  assert.deepEqual([...images.names()].sort(), ["compute/1", "compute/2"]);
});

test("images: one that another process removes while it is read is no fault, and neither is a damaged one that goes", async () => {
  const place = join(directory, "removed-meanwhile");
  const other = await openImageStore(place, { log });
  const summarise = async (path: string, name: string) => {
    if (name === "compute/1") await other.remove(name);
    return await inlineTasks().summarise(path, name);
  };
  for (const source of ["one", "two"]) await other.add("compute", { ...image, source });
  await writeFile(join(place, "compute/2.json"), "{");
  logged.length = 0;
  const images = await openImageStore(place, { tasks: { summarise }, log });
  assert.deepEqual([images.names(), images.unreadable().map(({ name }) => name)], [[], ["compute/2"]]);
  assert.equal(logged.length, 1, logged.join("\n"));
  await other.remove("compute/2");
  await images.refresh();
  assert.deepEqual(images.known(), []);
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
  const manifests = await openImageStore(join(directory, "served-images"), { log });
  const { manifest } = await manifests.add("compute", image);
  const handler = objectsHandler({ objects, manifests, log: () => undefined });
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
      ["GET", `/manifests/${absent}`, 404],
      ["PUT", `/manifests/${manifest.sha512}`, 405],
    ] as const) {
      assert.equal((await ask(port, method, path)).status, status, `${method} ${path}`);
    }
    const served = await ask(port, "GET", `/manifests/${manifest.sha512}`);
    assert.equal(createHash("sha512").update(served.body).digest("hex"), manifest.sha512);
    assert.deepEqual(JSON.parse(served.body.toString()), { name: "compute/1", ...image });
    assert.equal((await ask(port, "POST", "/objects", "nonsense")).status, 400);
    assert.equal((await ask(port, "GET", "/elsewhere")).body.toString(), "not ours");
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test("objects over HTTP: any cache may keep one for ever, and a client may ask for a part", async () => {
  const objects = await openObjectStore(join(directory, "cached"));
  const content = Buffer.from(Array.from({ length: 100_000 }, (_, n) => n & 0xff));
  const { sha512 } = await objects.add([content]);
  const manifests = await openImageStore(join(directory, "cached-images"), { log });
  const { manifest } = await manifests.add("compute", image);
  const handler = objectsHandler({ objects, manifests, log: () => undefined });
  const server = createServer((request, response) => void handler(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const get = (path: string, headers: Record<string, string> = {}, method = "GET") =>
      fetch(`http://127.0.0.1:${port}${path}`, { method, headers });
    for (const [path, hash] of [
      [`/objects/${sha512}`, sha512],
      [`/manifests/${manifest.sha512}`, manifest.sha512],
    ] as const) {
      const whole = await get(path);
      const etag = whole.headers.get("etag") ?? "";
      assert.equal(etag, `"${hash}"`);
      assert.equal(whole.headers.get("cache-control"), "public, max-age=31536000, immutable");
      const bytes = Buffer.from(await whole.arrayBuffer());
      const known = await get(path, { "if-none-match": etag });
      assert.deepEqual([known.status, (await known.arrayBuffer()).byteLength], [304, 0]);
      const part = await get(path, { range: "bytes=10-19", "if-range": etag });
      assert.deepEqual([part.status, part.headers.get("content-range")], [206, `bytes 10-19/${bytes.length}`]);
      assert.ok(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(10, 20)));
      const rest = await get(path, { range: `bytes=${bytes.length - 5}-` });
      assert.ok(Buffer.from(await rest.arrayBuffer()).equals(bytes.subarray(-5)));
      assert.equal((await get(path, { range: `bytes=${bytes.length}-` })).status, 416);
      const head = await get(path, { range: "bytes=0-1" }, "HEAD");
      assert.deepEqual([head.status, head.headers.get("content-length")], [200, String(bytes.length)]);
    }
    assert.equal((await get(`/objects/${"0".repeat(128)}`)).headers.get("cache-control"), null);
  } finally {
    server.close();
  }
});

test("packs over HTTP: whole, in parts, cacheable for ever; the index has the hash that is their name", async () => {
  const objects = await openObjectStore(join(directory, "packed"));
  const contents = ["hello", "other", "third"];
  const writer = openPackWriter(objects.directory);
  for (const text of contents) writer.store(Buffer.from(text));
  writer.seal();
  const [name = ""] = packNames(objects.directory);
  const manifests = { findManifest: () => undefined };
  const handler = objectsHandler({ objects, manifests, log: () => undefined });
  const server = createServer((request, response) => {
    if (!handler(request, response)) response.writeHead(404).end("not ours");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const get = (path: string, headers = {}) => fetch(`http://127.0.0.1:${port}${path}`, { headers });
  const index = await (await get(`/packs/${name}.index`)).text();
  assert.equal(sha512Of(index), name);
  const reading = readPackIndex(index);
  assert.ok(reading.kind === "index");
  const whole = await get(`/packs/${name}`);
  assert.equal(whole.headers.get("etag"), `"${name}"`);
  assert.match(whole.headers.get("cache-control") ?? "", /immutable/);
  assert.equal(await whole.text(), contents.join(""));
  for (const { sha512, offset, size } of reading.entries) {
    const part = await get(`/packs/${name}`, { range: `bytes=${offset}-${offset + size - 1}` });
    assert.equal(part.status, 206);
    assert.equal(sha512Of(await part.text()), sha512);
  }
  for (const path of [`/packs/${"0".repeat(128)}`, "/packs/..%2fdrafts", "/packs/", `/packs/${name}.draft`])
    assert.equal((await get(path)).status, 404, path);
});

test("objects: one with wrong bytes is found, and the next import of its content replaces it", async () => {
  const objects = await openObjectStore(join(directory, "damaged-objects"));
  const [hello] = await Promise.all(["hello", "other"].map((text) => objects.add([Buffer.from(text)])));
  assert.ok(hello !== undefined);
  assert.deepEqual(await Array.fromAsync(damagedObjects(objects)), []);
  const { sha512 } = hello;
  await writeFile(join(directory, "damaged-objects", sha512.slice(0, 2), sha512.slice(2, 4), sha512.slice(4)), "hellO");
  assert.deepEqual(await Array.fromAsync(damagedObjects(objects)), [sha512]);
  await objects.add([Buffer.from("hello")]);
  assert.deepEqual(await Array.fromAsync(damagedObjects(objects)), []);
});

test("objects: the server finds damage by itself, without waiting for a request", async () => {
  const objects = await openObjectStore(join(directory, "scrubbed"));
  const { sha512 } = await objects.add([Buffer.from("hello")]);
  await writeFile(join(directory, "scrubbed", sha512.slice(0, 2), sha512.slice(2, 4), sha512.slice(4)), "hellO");
  await new Promise<void>((resolve) => {
    const scrub = startScrub(
      async () => [objects],
      (level, message, facts) => {
        assert.deepEqual([level, facts], ["error", { sha512 }]);
        assert.match(message, /an object is damaged/);
        scrub[Symbol.dispose]();
        resolve();
      },
    );
  });
});

test("objects: a server that stops takes no content for damaged", async () => {
  const objects = await openObjectStore(join(directory, "stopped"));
  for (const text of ["hello", "other", "third"]) await objects.add([Buffer.from(text)]);
  const stopping = async () => {
    throw new Error("the server stops");
  };
  await assert.rejects(Array.fromAsync(damagedObjects(objects, stopping)), /the server stops/);
});
