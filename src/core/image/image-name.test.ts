import assert from "node:assert/strict";
import { test } from "node:test";
import { importName, isAvailable, isStreamName, nextVersion, parseImageName } from "./image-name.ts";
import { faultOfTree, isPlainPath } from "./tree.ts";

test("image names: streams and versions, nothing that could leave its directory", () => {
  assert.deepEqual(parseImageName("compute/7"), { stream: "compute", version: 7 });
  for (const text of ["compute", "compute/0", "compute/07", "../1", "a/b/1", "Compute/1", "compute/1 ", "/1", ".x/1"]) {
    assert.equal(parseImageName(text), undefined, text);
  }
  assert.equal(isStreamName("compute"), true);
  assert.equal(isStreamName("com/pute"), false);
});

test("image names: a version or a stream is available; the next import is the next version", () => {
  const available = ["compute/1", "compute/10", "compute/9", "storage/2"];
  const wanted = ["compute", "compute/9", "compute/11", "debug"];
  assert.deepEqual(
    wanted.map((name) => isAvailable(name, available)),
    [true, true, false, false],
  );
  assert.equal(nextVersion("compute", available), 11);
  assert.equal(nextVersion("debug", available), 1);
});

test("image names: an import is requested by its stream, or by the name that it will get", () => {
  const available = ["compute/1", "compute/2"];
  assert.deepEqual(importName("compute", available), { kind: "stream", stream: "compute" });
  assert.deepEqual(importName("compute/3", available), { kind: "stream", stream: "compute" });
  assert.deepEqual(importName("debug/1", available), { kind: "stream", stream: "debug" });
  for (const [asked, says] of [
    ["compute/2", /expected compute\/3, found compute\/2; import it as compute/],
    ["compute/4", /expected compute\/3/],
    ["Compute", /expected a name such as compute, .*lower-case letters/],
    ["../x", /expected a name such as compute, .*lower-case letters/],
  ] as const) {
    const result = importName(asked, available);
    assert.match(result.kind === "unusable" ? result.reason : assert.fail(asked), says);
  }
});

test("trees from outside: faults are described", () => {
  const directory = { kind: "directory", mode: 0o755, uid: 0, gid: 0 } as const;
  const fault = (entries: readonly [string, number][]) =>
    faultOfTree({ inodes: [directory, { kind: "protected" }], entries });
  assert.equal(
    fault([
      ["/a", 0],
      ["/a/b", 0],
      ["/c", 1],
    ]),
    undefined,
  );
  assert.match(fault([["/a", 7]]) ?? "", /names inode 7/);
  assert.match(
    fault([
      ["/a", 0],
      ["/a", 0],
    ]) ?? "",
    /twice/,
  );
  assert.match(
    fault([
      ["/b", 0],
      ["/a", 0],
    ]) ?? "",
    /out of order/,
  );
  assert.match(fault([["/a/b", 0]]) ?? "", /directory that is not in the tree/);
  for (const path of ["a", "/a/../b", "/a//b", "/", "/a/.", "/a\0b", ""]) assert.equal(isPlainPath(path), false, path);
});
