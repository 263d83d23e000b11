import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lutimesSync,
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
import { after, before, test } from "node:test";
import type { RegularInode, Tree } from "../../src/core/image/tree.ts";
import { archiveOf, exportImage } from "../../src/dominator/export/export-image.ts";
import { importTree } from "../../src/dominator/import/tree.ts";
import { type ObjectStore, openObjectStore } from "../../src/dominator/storage/object-store.ts";
import { listing } from "./sub-fixture.ts";

const directory = mkdtempSync(join(tmpdir(), "birther-export-"));
after(() => rmSync(directory, { recursive: true }));
const source = join(directory, "source");
let objects: ObjectStore;
let tree: Tree;

/** Everything that an archive has to carry, in names and numbers that ustar has room for, and in others. */
before(async () => {
  const long = "x".repeat(90);
  mkdirSync(join(source, long, long), { recursive: true });
  mkdirSync(join(source, "etc"));
  writeFileSync(join(source, "etc/passwd"), "root\n");
  writeFileSync(join(source, "etc/empty"), "");
  writeFileSync(join(source, `${long}/${long}/deep`), Buffer.alloc(1_000_001, 7));
  writeFileSync(join(source, "nämé mit\nZeile"), "umlauts");
  writeFileSync(join(source, "block"), Buffer.alloc(512, 1));
  writeFileSync(join(source, "su"), "setuid");
  writeFileSync(join(source, "old"), "before 1970");
  linkSync(join(source, "su"), join(source, "sudo"));
  linkSync(join(source, "su"), join(source, "etc", "y".repeat(120)));
  symlinkSync("etc/passwd", join(source, "link"));
  symlinkSync(`/${"z".repeat(300)}/ü`, join(source, "long-link"));
  execFileSync("mknod", [join(source, "null"), "c", "1", "3"]);
  execFileSync("mknod", [join(source, "disk"), "b", "259", "300"]);
  execFileSync("mkfifo", [join(source, "pipe")]);
  linkSync(join(source, "pipe"), join(source, "pipe2"));
  chownSync(join(source, "etc/passwd"), 3_000_000, 2_097_152);
  chownSync(join(source, "su"), 7, 8);
  chmodSync(join(source, "su"), 0o4711);
  chmodSync(join(source, "etc"), 0o2775);
  execFileSync("setcap", ["cap_net_raw+ep", join(source, "etc/passwd")]);
  execFileSync("setfacl", ["-m", "u:4242:rwx,d:g:12:rx", join(source, "etc")]);
  execFileSync("setfattr", ["-n", "user.bytes", "-v", "0x00ff0a3d", join(source, "block")]);
  for (const [path, seconds] of Object.entries({ "etc/passwd": 1_700_000_000.123, old: -1.001, block: 0.999 }))
    lutimesSync(join(source, path), seconds, seconds);
  objects = await openObjectStore(join(directory, "objects"));
  tree = await importTree({ source, objects, filter: [] });
});

for (const name of ["image.tar", "image.tar.zst"]) {
  test(`export: ${name} imports again to the same tree, and only its owner reads it`, async () => {
    const file = join(directory, name);
    let shown = { paths: 0, readBytes: 0, totalBytes: 0 };
    await exportImage({ tree, objects, file, onProgress: (progress) => (shown = progress) });
    assert.deepEqual([shown.paths, shown.readBytes], [tree.entries.length, shown.totalBytes]);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const again = await openObjectStore(join(directory, `objects of ${name}`));
    assert.deepEqual(await importTree({ source: file, objects: again, filter: [] }), tree);
    const { status } = { status: readFileSync(file).subarray(0, 4).toString("hex") };
    assert.equal(status === "28b52ffd", name.endsWith(".zst"));
    await assert.rejects(exportImage({ tree, objects, file }), /expected no file of this name, found one/);
  });
}

test("export: GNU tar unpacks it to the same files", async () => {
  const file = join(directory, "for-tar.tar");
  await exportImage({ tree, objects, file });
  const unpacked = join(directory, "unpacked");
  mkdirSync(unpacked);
  execFileSync("tar", ["-C", unpacked, "-xpf", file, "--xattrs", "--xattrs-include=*", "--numeric-owner"]);
  assert.deepEqual(listing(unpacked), listing(source));
  assert.deepEqual(await importTree({ source: unpacked, objects, filter: [] }), tree);
});

test("export: sizes and times of any range are written as they are read again", async () => {
  const numbers = [0, 1, 999, -1, -999, -1000, -1001, 1_700_000_000_123, 8_589_934_592_001, -62_135_596_800_000];
  const inodes = numbers.map(
    (mtimeMs, index): RegularInode => ({
      ...{ kind: "regular", mode: index, uid: index * 1_000_000, gid: 0, mtimeMs, size: 0, sha512: "" },
    }),
  );
  const entries = inodes.map((_, index): [string, number] => [`/f${index}`, index]);
  const file = join(directory, "numbers.tar");
  await exportImage({ tree: { inodes, entries }, objects, file });
  assert.deepEqual(await importTree({ source: file, objects, filter: [] }), { inodes, entries });
});

test("export: a damaged content, or an interruption, leaves no file behind", async () => {
  const file = join(directory, "damaged.tar");
  const wrong = {
    read: async function* () {
      yield Buffer.from("something else");
    },
  };
  await assert.rejects(exportImage({ tree, objects: wrong, file }), /its content is damaged; import the image again/);
  const ending = new AbortController();
  const onProgress = () => ending.abort(new Error("interrupted here"));
  await assert.rejects(exportImage({ tree, objects, file, onProgress, signal: ending.signal }), /interrupted here/);
  assert.equal(existsSync(file), false);
  assert.deepEqual(
    readdirSync(directory).filter((name) => name.includes("partial")),
    [],
  );
});

test("export: a content of more than 8 GiB has its size in the pax header", async () => {
  const size = 8_589_934_593;
  const inode: RegularInode = {
    ...{ kind: "regular", mode: 0, uid: 0, gid: 0, mtimeMs: 0 },
    size,
    sha512: "ab".repeat(64),
  };
  const [blocks] = await archiveOf({ tree: { inodes: [inode], entries: [["/big", 0]] }, objects })
    .next()
    .then(({ value }) => [value]);
  assert.match(Buffer.from(blocks ?? []).toString("latin1"), /19 size=8589934593\n/);
});

test("export: a missing directory and a full disk are named, and nothing is left", async () => {
  const exported = (file: string) => exportImage({ tree, objects, file });
  await assert.rejects(exported(join(directory, "nowhere/x.tar")), /x\.tar: expected a directory to write to.*ENOENT/);
  const small = join(directory, "small");
  mkdirSync(small);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=512k", "tmpfs", small]);
  try {
    await assert.rejects(exported(join(small, "x.tar")), /x\.tar: expected room for the archive, found a full disk/);
    assert.deepEqual(readdirSync(small), []);
  } finally {
    execFileSync("umount", [small]);
  }
});
