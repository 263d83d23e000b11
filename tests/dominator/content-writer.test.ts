import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { importTree } from "../../src/dominator/import/tree.ts";
import { openContentWriter } from "../../src/dominator/import/write/content-writer.ts";
import { batchBytes } from "../../src/dominator/import/write/messages.ts";
import { objectPath, type StoredObject } from "../../src/dominator/storage/object-draft.ts";
import { openObjectStore } from "../../src/dominator/storage/object-store.ts";

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

/** Around the size of a batch, where contents span two or more of them. */
const sizes = [
  ...[1, 2, 1000, 4096, 100_000],
  ...[-1, 0, 1].map((more) => batchBytes + more),
  ...[-1, 0, 1].map((more) => 3 * batchBytes + more),
  ...[7, 8, 9],
];

test("content writer: each content is an object under its hash, in whatever sizes it comes, in pieces or as a file", async () => {
  const { directory: objects } = await openObjectStore(join(directory, "objects"));
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
    assert.ok(readFileSync(objectPath(objects, expected(content).sha512)).equals(content), `${content.length} bytes`);
  assert.deepEqual(readdirSync(join(objects, "drafts")), []);
});

test("content writer: what is stored already is left as it is; a damaged object is replaced", async () => {
  const { directory: objects } = await openObjectStore(join(directory, "again"));
  const contents = [contentOf(1, 1000), contentOf(2, batchBytes + 5), contentOf(3, 2000), contentOf(4, 2 * batchBytes)];
  const store = async () => {
    await using writer = openContentWriter(objects);
    for (const content of contents) await writer.put(inPieces(content, 1 << 20), () => undefined);
    await writer.finish();
  };
  await store();
  const paths = contents.map((content) => objectPath(objects, expected(content).sha512));
  const files = () => paths.map((path) => statSync(path).ino);
  const before = files();
  await store();
  assert.deepEqual(files(), before);
  writeFileSync(paths[0] ?? "", Buffer.alloc(1000, 1));
  writeFileSync(paths[1] ?? "", Buffer.alloc(batchBytes + 5, 1));
  await store();
  for (const [index, path] of paths.entries()) assert.ok(readFileSync(path).equals(contents[index] ?? Buffer.alloc(0)));
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
