import assert from "node:assert/strict";
import { test } from "node:test";
import { testMachine } from "../../machine/testing/test-machine.ts";
import type { Inode, Tree } from "../tree.ts";
import { describeContents, sharedBytes } from "./contents.ts";
import { diffImages, maxNamedPaths } from "./image-difference.ts";
import { type ImageUse, unused, useInStream, whyNotRemovable, withUser } from "./image-use.ts";

const directory: Inode = { kind: "directory", mode: 0o755, uid: 0, gid: 0 };
const file = (letter: string, size: number, facts: object = {}): Inode => ({
  ...{ kind: "regular", mode: 0o644, uid: 0, gid: 0, mtimeMs: 1, size, sha512: letter.repeat(128) },
  ...facts,
});
const link = (target: string): Inode => ({ kind: "symlink", uid: 0, gid: 0, target });
function tree(paths: { readonly [path: string]: Inode | string }): Tree {
  const inodes: Inode[] = [];
  const numbers = new Map<string, number>();
  const entries = Object.entries(paths).map(([path, what]): [string, number] => {
    const number = typeof what === "string" ? (numbers.get(what) ?? assert.fail()) : inodes.push(what) - 1;
    numbers.set(path, number);
    return [path, number];
  });
  return { inodes, entries };
}

const one = tree({
  "/a": file("a", 10),
  "/a2": "/a",
  "/boot": directory,
  "/boot/initrd.img-6.1": file("b", 5),
  "/boot/vmlinuz-6.1": file("c", 7, { attributes: [["user.x", ""]] }),
  "/gone": file("d", 3),
  "/l": link("a"),
});

test("catalogue: what an image consists of", () => {
  assert.deepEqual(describeContents({ source: "/src", tree: one }), {
    ...{ source: "/src", directories: 1, files: 4, symlinks: 1, special: 0, hardLinks: 1, objects: 4, bytes: 25 },
    ...{ kernels: ["6.1"], attributes: [{ name: "user.x", files: 1 }] },
  });
});

test("catalogue: the difference names each path, in what it differs, and what is to be fetched", () => {
  const two = tree({
    "/a": file("a", 10, { mode: 0o755, mtimeMs: 2, gid: 4 }),
    "/a2": file("a", 10),
    "/boot": { ...directory, attributes: [["user.x", "00"]] },
    "/boot/initrd.img-6.1": file("e", 6),
    "/boot/vmlinuz-6.1": link("elsewhere"),
    "/l": link("b"),
    "/new": file("f", 9),
  });
  assert.deepEqual(diffImages(one, one), {
    ...{ added: 0, removed: 0, changed: 0, fetch: { objects: 0, bytes: 0 }, paths: [] },
  });
  const { paths, ...counts } = diffImages(one, two);
  assert.deepEqual(counts, { added: 1, removed: 1, changed: 6, fetch: { objects: 2, bytes: 15 } });
  assert.deepEqual(
    paths.map(({ path, change, what = [] }) => `${path} ${change} ${what.join(" ")}`.trim()),
    [
      "/a changed time owner mode links",
      "/a2 changed links",
      "/boot changed attributes",
      "/boot/initrd.img-6.1 changed content",
      "/boot/vmlinuz-6.1 changed kind links",
      "/gone removed",
      "/l changed target",
      "/new added",
    ]
      .filter((line) => !line.includes("vmlinuz"))
      .toSpliced(4, 0, "/boot/vmlinuz-6.1 changed kind"),
  );
  assert.equal(sharedBytes(one, two), 10);
});

test("catalogue: an answer names a bounded number of paths", () => {
  const many = Object.fromEntries(Array.from({ length: maxNamedPaths + 5 }, (_, n) => [`/${n}`, file("a", 1)]));
  const found = diffImages(tree({}), tree(many));
  assert.deepEqual([found.added, found.paths.length], [maxNamedPaths + 5, maxNamedPaths]);
});

test("catalogue: an image that anything uses is not removed, and the refusal names it", () => {
  const held = { stream: "compute", current: 3, previous: 2, by: "ann", atMs: 1 };
  const by = (facts: object): ImageUse =>
    withUser(unused, testMachine("healthy", { hostname: "r01u01", ...facts }), "compute/1");
  for (const [use, why] of [
    [unused, undefined],
    [{ ...unused, ...useInStream(held, 3) }, /compute\/1 is the current version/],
    [{ ...unused, ...useInStream(held, 2) }, undefined],
    [{ ...unused, inRules: true }, /named by the image rules/],
    [by({ requiredImage: "compute/1" }), /required by 1 machine: r01u01/],
    [by({ plannedImage: "compute/1" }), /required by 1 machine: r01u01/],
    [by({ runningImage: "compute/1" }), /run by 1 machine: r01u01/],
    [by({ runningImage: "compute/2" }), undefined],
  ] as const) {
    const found = whyNotRemovable("compute/1", use, held);
    if (why === undefined) assert.equal(found, undefined);
    else assert.match(found ?? "", why);
  }
  const promotion = { version: 4, canary: testMachine("healthy").id, by: "ann", atMs: 1 };
  assert.equal(useInStream({ ...held, promotion }, 4).inStream, "tried");
});
