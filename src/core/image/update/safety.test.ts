import assert from "node:assert/strict";
import { test } from "node:test";
import { agentProtocol } from "../filter.ts";
import type { ImageManifest } from "../manifest.ts";
import { missingFromSystem } from "../system-check.ts";
import { decideFor } from "../testing/decide.ts";
import type { Inode, Tree } from "../tree.ts";
import { defaultSubPolicy } from "./directive.ts";

const directory: Inode = { kind: "directory", mode: 0o755, uid: 0, gid: 0 };
const file: Inode = { kind: "regular", mode: 0o755, uid: 0, gid: 0, mtimeMs: 0, size: 9, sha512: "ab".repeat(64) };
const link = (target: string): Inode => ({ kind: "symlink", uid: 0, gid: 0, target });

/** A tree of these files (and links), with the directories above them. */
function tree(files: { readonly [path: string]: Inode }): Tree {
  const inodes = new Map<string, Inode>();
  for (const path of Object.keys(files)) {
    const parts = path.slice(1).split("/");
    for (let depth = 1; depth < parts.length; depth += 1) {
      const parent = `/${parts.slice(0, depth).join("/")}`;
      if (files[parent] === undefined) inodes.set(parent, directory);
    }
  }
  for (const [path, inode] of Object.entries(files)) inodes.set(path, inode);
  const sorted = [...inodes].sort(([one], [other]) => (one < other ? -1 : 1));
  return { inodes: sorted.map(([, inode]) => inode), entries: sorted.map(([path], index) => [path, index]) };
}

/** As in Debian, where /bin, /lib, /lib64 and /sbin are links into /usr. */
const debian: { readonly [path: string]: Inode } = {
  "/bin": link("usr/bin"),
  "/lib": link("usr/lib"),
  "/lib64": link("usr/lib64"),
  "/sbin": link("usr/sbin"),
  "/usr/bin/dash": file,
  "/usr/bin/sh": link("dash"),
  "/usr/sbin/init": link("/lib/systemd/systemd"),
  "/usr/lib/systemd/systemd": file,
  "/usr/lib/os-release": file,
  "/usr/lib64/ld-linux-x86-64.so.2": link("../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"),
  "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2": file,
  "/boot/vmlinuz-6.1.0-9": file,
  "/boot/initrd.img-6.1.0-9": file,
};
const without = (...paths: readonly string[]) =>
  Object.fromEntries(Object.entries(debian).filter(([path]) => !paths.includes(path)));

test("a Debian system is whole, its links followed", () => {
  assert.deepEqual(missingFromSystem(tree(debian)), []);
});

const lacking: readonly (readonly [
  title: string,
  files: { readonly [path: string]: Inode },
  missing: readonly RegExp[],
])[] = [
  [
    "an OCI layout",
    { "/oci-layout": file, "/index.json": file, "/blobs/sha256/ab": file },
    [/systemd/, /init/, /sh/, /C library/, /os-release/, /kernel/],
  ],
  ["a kernel without its initrd", without("/boot/initrd.img-6.1.0-9"), [/kernel with its initrd/]],
  [
    "an initrd of another kernel",
    { ...without("/boot/initrd.img-6.1.0-9"), "/boot/initrd.img-6.1.0-8": file },
    [/kernel/],
  ],
  ["a shell that leads nowhere", { ...debian, "/usr/bin/sh": link("gone") }, [/\/bin\/sh/]],
  ["a shell that leads to itself", { ...debian, "/usr/bin/sh": link("sh") }, [/\/bin\/sh/]],
  ["an empty init", { ...debian, "/usr/lib/systemd/systemd": { ...file, size: 0 } }, [/systemd/, /init/]],
];
for (const [title, files, expected] of lacking) {
  test(`no whole system: ${title}`, () => {
    const missing = missingFromSystem(tree(files));
    assert.equal(missing.length, expected.length, missing.join("; "));
    for (const [index, pattern] of expected.entries()) assert.match(missing[index] ?? "", pattern);
  });
}

const data = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`/usr/share/doc/${n}`, file] as const));

function updateTo(
  want: Tree,
  have: Tree,
  more: { readonly forced?: string; readonly running?: "birth" | "image" } = {},
) {
  const image: ImageManifest = { name: "compute/2", createdAtMs: 0, source: "test", filter: [], tree: want };
  const { forced, running = "image" } = more;
  return decideFor({
    ...{ required: "compute", image, held: undefined, failure: undefined, forced, policy: defaultSubPolicy },
    report: {
      ...{ protocol: agentProtocol, running, rebootPending: false, secondsSinceCheck: 0, freeBytes: 1e9 },
      ...{ tree: have, objects: [file.kind === "regular" ? file.sha512 : ""], patchedImage: "compute/1" },
    },
  });
}

test("an update that takes the machine's shell or kernel is stopped before its first step, with their names", () => {
  const stopped = updateTo(tree(without("/usr/bin/sh", "/boot/vmlinuz-6.1.0-9")), tree(debian));
  assert.match(
    stopped.kind === "stop" ? stopped.reason : stopped.kind,
    /compute\/2 takes from the machine \/bin\/sh, a kernel/,
  );
});

test("an update that removes more than half of the paths is stopped, with the numbers", () => {
  const stopped = updateTo(tree(debian), tree({ ...debian, ...data(40) }));
  assert.match(
    stopped.kind === "stop" ? stopped.reason : stopped.kind,
    /compute\/2 removes \d+ of root's \d+ paths on the machine/,
  );
  assert.equal(updateTo(tree(debian), tree({ ...debian, ...data(10) })).kind, "update");
});

test("an operator forces one version; a newborn has nothing to lose", () => {
  const [want, have] = [tree(debian), tree({ ...debian, ...data(40) })];
  assert.equal(updateTo(want, have, { forced: "compute/2" }).kind, "update");
  assert.equal(updateTo(want, have, { forced: "compute/1" }).kind, "stop");
  assert.equal(updateTo(want, have, { running: "birth" }).kind, "update");
});
