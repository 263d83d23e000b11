import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { importTree } from "../../src/dominator/import/tree.ts";
import { openContentWriter } from "../../src/dominator/import/write/content-writer.ts";
import { batchBytes } from "../../src/dominator/import/write/messages.ts";
import type { StoredObject } from "../../src/dominator/storage/object-draft.ts";
import { type ObjectStore, openObjectStore } from "../../src/dominator/storage/object-store.ts";
import { packNames, packsIn } from "../../src/dominator/storage/packs/pack-files.ts";
import { sweep } from "../../src/dominator/storage/packs/sweep.ts";

const directory = mkdtempSync(join(tmpdir(), "birther-writer-"));
after(() => rmSync(directory, { recursive: true }));

/** Bytes that differ from content to content. */
function contentOf(seed: number, length: number): Buffer {
  const bytes = Buffer.alloc(length, createHash("sha512").update(String(seed)).digest());
  bytes.writeUInt8(seed & 0xff, length === 0 ? undefined : length - 1);
  return bytes;
}

function expected(content: Buffer): StoredObject {
  const sha512 = content.length === 0 ? "" : createHash("sha512").update(content).digest("hex");
  return { sha512, size: content.length };
}

async function* inPieces(content: Buffer, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += pieceBytes) yield content.subarray(at, at + pieceBytes);
}

function fileOf(fd: number): { readonly fd: number } & Disposable {
  return { fd, [Symbol.dispose]: () => closeSync(fd) };
}

async function contentIn(store: ObjectStore, sha512: string): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(store.read(sha512)));
}

/** Around the size of a batch, where contents span two or more of them. */
const sizes = [
  ...[1, 2, 1000, 4096, 100_000],
  ...[-1, 0, 1].map((more) => batchBytes + more),
  ...[-1, 0, 1].map((more) => 3 * batchBytes + more),
  ...[7, 8, 9],
];

test("content writer: each content is an object under its hash, in whatever sizes it comes, in pieces or as a file", async () => {
  const store = await openObjectStore(join(directory, "objects"));
  const objects = store.directory;
  const contents = sizes.map((size, seed) => contentOf(seed, size));
  const stored: (StoredObject | undefined)[] = [];
  const storedFiles: (StoredObject | undefined)[] = [];
  {
    await using writer = openContentWriter(objects);
    for (const [index, content] of contents.entries())
      await writer.put(inPieces(content, 65_537), (object) => (stored[index] = object));
    await writer.put(inPieces(Buffer.alloc(0), 1), (object) => (stored[contents.length] = object));
    for (const [index, content] of contents.entries()) {
      const path = join(directory, `file-${index}`);
      writeFileSync(path, content);
      await writer.putFile({ path, size: content.length }, (object) => (storedFiles[index] = object));
    }
    await writer.finish();
  }
  assert.deepEqual(stored, [...contents.map(expected), { sha512: "", size: 0 }]);
  assert.deepEqual(storedFiles, contents.map(expected));
  for (const content of contents)
    assert.ok((await contentIn(store, expected(content).sha512)).equals(content), `${content.length} bytes`);
  assert.deepEqual(readdirSync(join(objects, "drafts")), []);
});

test("content writer: what is stored already is left as it is; a damaged object is replaced", async () => {
  const objects = await openObjectStore(join(directory, "again"));
  const contents = [contentOf(1, 1000), contentOf(2, batchBytes + 5), contentOf(3, 2000), contentOf(4, 2 * batchBytes)];
  const store = async () => {
    await using writer = openContentWriter(objects.directory);
    for (const content of contents) await writer.put(inPieces(content, 1 << 20), () => undefined);
    await writer.finish();
  };
  await store();
  const before = packNames(objects.directory);
  await store();
  assert.deepEqual(packNames(objects.directory), before);
  for (const content of contents.slice(0, 2)) {
    objects.shelf.refresh();
    const found = objects.shelf.find(expected(content).sha512);
    assert.ok(found !== undefined);
    using file = fileOf(openSync(found.path, "r+"));
    writeSync(file.fd, Buffer.alloc(content.length, 1), 0, content.length, found.offset);
    // In the past, so that the pack that replaces it is newer, however fast the test is.
    utimesSync(found.path, 1_700_000_000, 1_700_000_000);
  }
  await store();
  assert.equal(packNames(objects.directory).length > before.length, true);
  const again = await openObjectStore(objects.directory);
  for (const content of contents) assert.ok((await contentIn(again, expected(content).sha512)).equals(content));
});

test("packs: a truncated one lacks what it no longer has; a new import stores it again", async () => {
  const objects = await openObjectStore(join(directory, "truncated"));
  const contents = [contentOf(1, 1000), contentOf(2, 5000), contentOf(3, 2000)];
  const store = async () => {
    await using writer = openContentWriter(objects.directory);
    for (const content of contents) await writer.put(inPieces(content, 1 << 20), () => undefined);
    await writer.finish();
  };
  await store();
  const [name = ""] = packNames(objects.directory);
  const path = join(packsIn(objects.directory), name);
  truncateSync(path, statSync(path).size - 10);
  const again = await openObjectStore(objects.directory);
  const sizes = await Promise.all(contents.map((content) => again.sizeOf(expected(content).sha512)));
  assert.equal(sizes.filter((size) => size === undefined).length, 1);
  await store();
  for (const content of contents) assert.ok(await again.isIntact(expected(content).sha512));
});

test("packs: a sweep leaves what is needed, and writes a pack again of which little is", async () => {
  const objects = await openObjectStore(join(directory, "swept"));
  const contents = [contentOf(1, 1000), contentOf(2, 5000), contentOf(3, 2000), contentOf(4, 300_000)];
  const [small, , , large] = contents.map((content) => expected(content).sha512);
  await using writer = openContentWriter(objects.directory);
  for (const content of contents) await writer.put(inPieces(content, 1 << 20), () => undefined);
  await writer.finish();
  const loose = await objects.add([Buffer.from("alone")]);
  const how = { directory: objects.directory, loose: true, olderThanMs: Number.POSITIVE_INFINITY, isDryRun: false };
  const nothing = { objects: 0, bytes: 0, movedBytes: 0, leftBytes: 0 };
  assert.deepEqual(await sweep({ ...how, isNeeded: () => true }), nothing);
  const wanted = { ...how, isNeeded: (sha512: string) => sha512 === small };
  assert.deepEqual((await sweep({ ...wanted, olderThanMs: 0 })).objects, 0);
  const planned = await sweep({ ...wanted, isDryRun: true });
  assert.equal((await Array.fromAsync(objects.names())).length, 5);
  const swept = await sweep(wanted);
  assert.deepEqual(swept, planned);
  assert.deepEqual([swept.objects, swept.bytes], [4, 5000 + 2000 + 300_000 + 5]);
  assert.ok(await objects.isIntact(small ?? ""));
  assert.equal(await objects.sizeOf(large ?? ""), undefined);
  assert.equal(await objects.sizeOf(loose.sha512), undefined);
  assert.deepEqual(await Array.fromAsync(objects.names()), [small]);
  assert.deepEqual(await sweep(wanted), nothing);
  await sweep({ ...how, isNeeded: () => false });
  assert.deepEqual(readdirSync(packsIn(objects.directory)), []);
  assert.deepEqual(readdirSync(join(objects.directory, "drafts")), []);
});

test("content writer: a failure is reported, and leaves no draft", async () => {
  const { directory: objects } = await openObjectStore(join(directory, "failing"));
  const target = join(directory, "link");
  symlinkSync("/etc/passwd", target);
  for (const [path, said] of [
    [join(directory, "absent"), /ENOENT/],
    [target, /ELOOP/],
  ] as const) {
    await using writer = openContentWriter(objects);
    await writer.putFile({ path, size: 1 }, () => undefined);
    await assert.rejects(writer.finish(), said);
  }
  {
    await using writer = openContentWriter(objects);
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield contentOf(5, 2 * batchBytes);
      throw new Error("the source ends here");
    }
    await assert.rejects(
      writer.put(failing(), () => undefined),
      /ends here/,
    );
  }
  assert.deepEqual(readdirSync(join(objects, "drafts")), []);
});

test("import: one that is interrupted leaves no draft, and the next one finds what is stored", async () => {
  const source = join(directory, "source");
  const store = await openObjectStore(join(directory, "interrupted"));
  mkdirSync(source);
  for (let n = 0; n < 300; n += 1) writeFileSync(join(source, `file-${n}`), contentOf(n, 50_000));
  const ending = new AbortController();
  const interrupted = importTree({
    ...{ source, objects: store, filter: [], signal: ending.signal },
    onProgress: ({ paths }) => {
      if (paths === 200) ending.abort(new Error("interrupted"));
    },
  });
  await assert.rejects(interrupted, /interrupted/);
  assert.deepEqual(readdirSync(join(store.directory, "drafts")), []);
  const tree = await importTree({ source, objects: store, filter: [] });
  assert.equal(tree.entries.length, 300);
  for (const inode of tree.inodes) assert.ok(inode.kind === "regular" && (await store.isIntact(inode.sha512)));
});
