import assert from "node:assert/strict";
import { test } from "node:test";
import { agentProtocol, machineFilterLines, subFilter } from "../filter.ts";
import { faultOfTree, maxTreeDepth, type SeenTree, type Tree, withoutDeepPaths } from "../tree.ts";
import { planUpdate } from "./difference.ts";

const directory = { kind: "directory", mode: 0o755, uid: 1000, gid: 1000 } as const;
const file = { kind: "regular", mode: 0o644, uid: 1000, gid: 1000, mtimeMs: 0, size: 0, sha512: "" } as const;

/** What any user of a machine can create: a chain of directories with files at its end. */
function chain(depth: number, files: number): SeenTree {
  const entries: [string, number][] = [];
  let path = "/srv";
  for (let level = 0; level < depth; level += 1, path = `${path}/d`) entries.push([path, 0]);
  const names = Array.from({ length: files }, (_, index): [string, number] => [`${path}/${1e6 + index}`, 1]);
  return { inodes: [directory, file], entries: [...entries, [path, 0], ...names] };
}

const image: Tree = { inodes: [{ ...directory, uid: 0, gid: 0 }], entries: [["/etc", 0]] };
const filter = subFilter(machineFilterLines, agentProtocol);

/** CPU time in seconds, so that a busy computer does not fail the test. */
function cpuSeconds(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

// Before the fix, one machine blocked the server for 23 s with the first tree, and for more than 200 s with the second.
for (const [depth, files] of [
  [2000, 120],
  [2000, 5020],
] as const) {
  test(`a tree ${depth} deep with ${files} files is compared in a moment, and removed from the bottom`, () => {
    const have = chain(depth, files);
    assert.equal(faultOfTree(have), undefined);
    const seconds = cpuSeconds(() => {
      const { steps } = planUpdate({ have, want: image, filter, objects: new Set() });
      assert.equal(steps.length, have.entries.length + 1);
      assert.deepEqual(steps.at(-1), { kind: "removeDirectory", path: "/srv" });
    });
    assert.ok(seconds < 2, `expected less than 2 s of CPU, found ${seconds}`);
  });
}

test("paths deeper than a system's own files are left alone, with the directories above them", () => {
  const cut = withoutDeepPaths(chain(2000, 120));
  assert.equal(cut.entries.length, maxTreeDepth);
  assert.equal(faultOfTree(cut), undefined);
  const { steps } = planUpdate({ have: cut, want: image, filter, objects: new Set() });
  assert.deepEqual(
    steps.map(({ kind, path }) => `${kind} ${path}`),
    ["makeDirectory /etc"],
  );
});

test("a tree of usual depth is not copied", () => {
  const usual = chain(20, 3);
  assert.equal(withoutDeepPaths(usual), usual);
});
