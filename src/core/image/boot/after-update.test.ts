import assert from "node:assert/strict";
import { test } from "node:test";
import type { UpdateStep } from "../update/update-step.ts";
import { type Content, contentAfter, namesAfter } from "./after-update.ts";

const file = (path: string, sha512: string): UpdateStep => ({
  ...{ kind: "placeFile", path, sha512, size: 1 },
  ...{ mode: 0o644, uid: 0, gid: 0, mtimeMs: 0 },
});
const steps: readonly UpdateStep[] = [
  { kind: "keepObject", path: "/boot/old", sha512: "o" },
  { kind: "removeFile", path: "/boot/replaced" },
  { kind: "makeDirectory", path: "/boot/grub", mode: 0o755, uid: 0, gid: 0 },
  file("/boot/replaced", "r"),
  file("/boot/new", "n"),
  { kind: "placeLink", path: "/boot/link", existing: "/boot/new" },
  { kind: "placeLink", path: "/boot/old-link", existing: "/boot/kept" },
  { kind: "placeSymlink", path: "/boot/symlink", target: "new", uid: 0, gid: 0 },
  file("/boot/deep/er", "d"),
  { kind: "setMetadata", path: "/boot/kept", mode: 0o600, uid: 0, gid: 0 },
  { kind: "removeFile", path: "/boot/old" },
];

const rows: readonly (readonly [path: string, content: Content])[] = [
  ["/boot/untouched", { kind: "kept" }],
  ["/boot/old", { kind: "gone" }],
  ["/boot/replaced", { kind: "object", sha512: "r", size: 1 }],
  ["/boot/new", { kind: "object", sha512: "n", size: 1 }],
  ["/boot/link", { kind: "object", sha512: "n", size: 1 }],
  ["/boot/old-link", { kind: "other" }],
  ["/boot/symlink", { kind: "other" }],
];
for (const [path, content] of rows)
  test(`after an update: ${path} is ${content.kind}`, () => assert.deepEqual(contentAfter(steps, path), content));

test("metadata alone leaves the content as it is", () => {
  assert.equal(
    contentAfter(
      steps.filter(({ kind }) => kind === "setMetadata"),
      "/boot/kept",
    ).kind,
    "kept",
  );
});

test("after an update: the names in a directory, without those below it", () => {
  const names = namesAfter(steps, "/boot", ["old", "kept", "replaced"]);
  assert.deepEqual([...names].sort(), ["grub", "kept", "link", "new", "old-link", "replaced", "symlink"]);
});
