import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { chmod, link, lutimes, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Inode, Tree } from "../../src/core/image/tree.ts";
import type { NotCarried } from "../../src/dominator/import/not-carried.ts";
import { readTar } from "../../src/dominator/import/tar-reader.ts";
import { importTree } from "../../src/dominator/import/tree.ts";
import { cleanPath } from "../../src/dominator/import/tree-builder.ts";
import { type ObjectStore, openObjectStore } from "../../src/dominator/storage/object-store.ts";

let directory: string;
let source: string;
let objects: ObjectStore;

const longName = `${"long-".repeat(30)}name`;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "birther-import-"));
  source = join(directory, "source");
  objects = await openObjectStore(join(directory, "objects"));
  for (const path of ["etc", "dev", "var", "var/log", "home", longName])
    await mkdir(join(source, path), { recursive: true });
  await writeFile(join(source, "etc/passwd"), "root:x:0:0\n");
  await chmod(join(source, "etc/passwd"), 0o4640);
  execFileSync("chown", ["12:34", join(source, "etc/passwd")]);
  await chmod(join(source, "etc/passwd"), 0o4640);
  await writeFile(join(source, "etc/empty"), "");
  await link(join(source, "etc/passwd"), join(source, "etc/passwd-"));
  await symlink("../etc/passwd", join(source, "etc/link"));
  await writeFile(join(source, "var/log/syslog"), "noise");
  await writeFile(join(source, longName, "größe"), "x".repeat(1000));
  execFileSync("mknod", [join(source, "etc/null"), "c", "1", "3"]);
  execFileSync("mknod", [join(source, "etc/disk"), "b", "259", "300"]);
  execFileSync("mkfifo", [join(source, "etc/fifo")]);
  for (const path of ["etc/passwd", "etc/empty"]) await lutimes(join(source, path), 1_600_000_000, 1_600_000_000);
});
after(() => rm(directory, { recursive: true }));

function at(tree: Tree, path: string): Inode | undefined {
  return tree.inodes[tree.entries.find(([entry]) => entry === path)?.[1] ?? -1];
}

function check(tree: Tree): void {
  const passwd = at(tree, "/etc/passwd");
  assert.ok(passwd?.kind === "regular");
  const { sha512, ...rest } = passwd;
  assert.deepEqual(rest, { kind: "regular", mode: 0o4640, uid: 12, gid: 34, mtimeMs: 1_600_000_000_000, size: 11 });
  assert.equal(sha512.length, 128);
  const number = (path: string) => tree.entries.find(([entry]) => entry === path)?.[1];
  assert.equal(number("/etc/passwd-"), number("/etc/passwd"));
  assert.deepEqual(at(tree, "/etc/empty"), {
    kind: "regular",
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtimeMs: 1_600_000_000_000,
    size: 0,
    sha512: "",
  });
  assert.deepEqual(at(tree, "/etc/link"), { kind: "symlink", uid: 0, gid: 0, target: "../etc/passwd" });
  assert.deepEqual(at(tree, "/etc/null"), { kind: "special", mode: 0o020644, uid: 0, gid: 0, rdev: 0x103 });
  assert.deepEqual(at(tree, "/etc/disk"), {
    kind: "special",
    mode: 0o060644,
    uid: 0,
    gid: 0,
    rdev: 259 * 256 + (300 & 255) + (300 >> 8) * 0x100000,
  });
  assert.deepEqual(at(tree, "/etc/fifo"), { kind: "special", mode: 0o010644, uid: 0, gid: 0, rdev: 0 });
  assert.equal(at(tree, `/${longName}/größe`)?.kind, "regular");
  assert.equal(at(tree, "/var/log")?.kind, "directory");
  assert.equal(at(tree, "/var/log/syslog"), undefined, "filtered");
  assert.equal(at(tree, "/dev"), undefined, "always protected");
}

const filter = ["/var/log/.*"];

test("import: a directory", async () => {
  check(await importTree({ source, objects, filter }));
});

const formats: readonly (readonly [title: string, ...options: string[]])[] = [
  ["pax, plain", "--format=pax"],
  ["gnu with long names, gzip", "--format=gnu", "-z"],
  ["pax with extended attributes, zstd", "--format=posix", "--xattrs", "--zstd"],
  ["gnu, xz", "--format=gnu", "-J"],
];
for (const [title, ...options] of formats) {
  test(`import: an archive, ${title}, with its progress`, async () => {
    const archive = join(directory, "archive");
    execFileSync("tar", ["-C", source, "-c", "-f", archive, ...options, "."]);
    let paths = 0;
    const tree = await importTree({
      source: archive,
      objects,
      filter,
      onProgress: (progress) => (paths = progress.paths),
    });
    check(tree);
    assert.ok(paths >= tree.entries.length);
    const content = at(tree, "/etc/passwd");
    assert.ok(content?.kind === "regular");
    const pieces: Uint8Array[] = [];
    for await (const piece of objects.read(content.sha512)) pieces.push(piece);
    assert.equal(Buffer.concat(pieces).toString(), "root:x:0:0\n");
  });
}

test("import: capabilities, access control lists and user attributes are carried, from a directory and an archive; the rest is listed", async () => {
  const marked = join(directory, "marked");
  for (const path of ["bin", "home/u", "etc"]) await mkdir(join(marked, path), { recursive: true });
  for (const path of ["bin/ping", "bin/plain", "home/u/private"]) await writeFile(join(marked, path), path);
  for (const path of ["bin/ping", "home/u/private"]) execFileSync("setcap", ["cap_net_raw+ep", join(marked, path)]);
  execFileSync("setfacl", ["-m", "u:4242:rw", join(marked, "bin/plain")]);
  execFileSync("setfacl", ["-d", "-m", "u:12:r", join(marked, "etc")]);
  const set = (name: string, value: string, path: string) =>
    execFileSync("setfattr", ["-n", name, "-v", value, join(marked, path)]);
  set("user.note", "0x00ff0a", "bin/ping");
  set("trusted.note", "x", "bin/ping");
  set("trusted.note", "x", "home/u/private");
  set("user.large", `0x${"61".repeat(3600)}`, "etc");
  let list: readonly NotCarried[] | undefined;
  const imported = (from: string) =>
    importTree({ source: from, objects, filter: ["/home/.*"], onNotCarried: (found) => (list = found) });
  const attributesAt = (tree: Tree, path: string) => {
    const inode = at(tree, path);
    return inode === undefined || inode.kind === "symlink" ? [] : (inode.attributes ?? []);
  };
  const archive = join(directory, "marked.tar");
  execFileSync("tar", ["-C", marked, "-cf", archive, "--sort=name", "--xattrs", "--xattrs-include=*", "--acls", "."]);
  const server = createServer().listen(join(marked, "etc/socket"));
  await once(server, "listening");
  const left = [
    { what: "trusted.note", paths: 1, first: "/bin/ping" },
    { what: "user.large (too large)", paths: 1, first: "/etc" },
  ];
  try {
    for (const from of [marked, archive]) {
      const tree = await imported(from);
      const socket = { what: "socket", paths: 1, first: "/etc/socket" };
      assert.deepEqual(list, from === marked ? [socket, ...left] : left);
      assert.deepEqual(attributesAt(tree, "/bin/ping"), [
        ["security.capability", "0100000200200000000000000000000000000000"],
        ["user.note", "00ff0a"],
      ]);
      const [acl] = attributesAt(tree, "/bin/plain");
      assert.equal(acl?.[0], "system.posix_acl_access");
      assert.match(acl?.[1] ?? "", /0200060092100000/);
      assert.deepEqual(
        attributesAt(tree, "/etc").map(([name]) => name),
        ["system.posix_acl_default"],
      );
    }
  } finally {
    server.close();
  }
  await imported(source);
  assert.deepEqual(list, []);
});

test("import: a truncated or missing archive is an error that names it", async () => {
  const archive = join(directory, "archive.tar");
  execFileSync("tar", ["-C", source, "-c", "-f", archive, "."]);
  const { size } = await import("node:fs").then((fs) => fs.statSync(archive));
  const cut = join(directory, "cut.tar");
  for (const length of [size - 10_240, 700, 100]) {
    execFileSync("dd", [`if=${archive}`, `of=${cut}`, "bs=1", `count=${length}`, "status=none"]);
    await assert.rejects(
      importTree({ source: cut, objects, filter }),
      /import .*cut\.tar: the archive is truncated|wrong checksum/,
    );
  }
  await writeFile(cut, "this is no archive".repeat(100));
  await assert.rejects(importTree({ source: cut, objects, filter }), /wrong checksum|octal/);
  await assert.rejects(
    importTree({ source: join(directory, "absent"), objects, filter }),
    /image source .*absent: expected a directory or a tar file, found nothing there/,
  );
});

test("import: a truncated or damaged compressed archive is an error that names it", async () => {
  const archive = join(directory, "whole");
  const damaged = join(directory, "damaged");
  const reported = (said: RegExp) =>
    new RegExp(
      `import .*: (the archive is truncated or damaged; .*\\((${said.source})|a tar header has a wrong checksum)`,
    );
  for (const [option, said] of [
    ["-z", reported(/gzip: (unexpected end of file|incorrect|invalid|too many)/)],
    ["--zstd", reported(/zstd: /)],
    ["-J", reported(/xz: .*(Unexpected end of input|Compressed data is corrupt)/)],
  ] as const) {
    execFileSync("tar", ["-C", source, "-c", "-f", archive, option, "."]);
    const bytes = await readFile(archive);
    const flipped = Buffer.from(bytes);
    for (let at = 60; at < 70; at += 1) flipped[at] = ~(flipped[at] ?? 0) & 0xff;
    for (const wrong of [bytes.subarray(0, bytes.length >> 1), flipped]) {
      await writeFile(damaged, wrong);
      await assert.rejects(importTree({ source: damaged, objects, filter }), said, option);
    }
  }
});

test("import: paths outside the image are refused, harmless ones cleaned", () => {
  assert.equal(cleanPath("./etc/"), "/etc");
  assert.equal(cleanPath("/etc//x"), "/etc/x");
  assert.equal(cleanPath("./"), undefined);
  assert.equal(cleanPath("."), undefined);
  for (const path of ["../etc", "a/../../b", "a/.."]) assert.throws(() => cleanPath(path), /image path: expected/);
});

test("tar: members may be skipped without reading their content", async () => {
  const archive = join(directory, "skip.tar");
  execFileSync("tar", ["-C", source, "-c", "-f", archive, "."]);
  const names: string[] = [];
  for await (const { header } of readTar(createReadStream(archive))) names.push(header.path);
  assert.ok(names.includes("./etc/passwd") && names.includes("./etc/fifo"));
});
