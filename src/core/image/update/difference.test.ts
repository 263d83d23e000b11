import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { runs } from "../../../../tests/support/runs.ts";
import { parseFilter } from "../filter.ts";
import { faultOfTree, type Inode, parentPath, type SeenInode, type SeenTree, type Tree } from "../tree.ts";
import { planUpdate } from "./difference.ts";
import type { UpdateStep } from "./update-step.ts";

// ---- a file system in memory: a path refers to an inode, as on disk, and operations fail as on a real one

type ModelFileSystem = Map<string, { inode: Inode }>;

function modelOf(tree: Tree): ModelFileSystem {
  const nodes = tree.inodes.map((inode) => ({ inode }));
  return new Map(tree.entries.map(([path, number]) => [path, nodes[number] ?? assert.fail(path)]));
}

function runStep(files: ModelFileSystem, step: UpdateStep, store: Set<string>): void {
  const old = files.get(step.path)?.inode;
  const put = (inode: Inode) => {
    assert.ok(
      parentPath(step.path) === "/" || files.get(parentPath(step.path))?.inode.kind === "directory",
      `no directory for ${step.path}`,
    );
    assert.ok(old?.kind !== "directory", `${step.path} is a directory`);
    files.set(step.path, { inode });
  };
  switch (step.kind) {
    case "keepObject":
      assert.ok(old?.kind === "regular" && old.sha512 === step.sha512);
      store.add(step.sha512);
      return;
    case "removeFile":
      assert.ok(old !== undefined && old.kind !== "directory");
      files.delete(step.path);
      return;
    case "removeDirectory":
      assert.equal(old?.kind, "directory");
      assert.ok(![...files.keys()].some((path) => path.startsWith(`${step.path}/`)), `${step.path} is not empty`);
      files.delete(step.path);
      return;
    case "makeDirectory":
      assert.equal(old, undefined);
      put({ kind: "directory", mode: step.mode, uid: step.uid, gid: step.gid });
      return;
    case "placeFile": {
      assert.ok(step.size === 0 || store.has(step.sha512), `no content for ${step.path}`);
      const { mode, uid, gid, mtimeMs, size, sha512 } = step;
      put({ kind: "regular", mode, uid, gid, mtimeMs, size, sha512 });
      return;
    }
    case "placeSymlink":
      put({ kind: "symlink", uid: step.uid, gid: step.gid, target: step.target });
      return;
    case "placeSpecial":
      put({ kind: "special", mode: step.mode, uid: step.uid, gid: step.gid, rdev: step.rdev });
      return;
    case "placeLink": {
      put({ kind: "directory", mode: 0, uid: 0, gid: 0 });
      files.set(step.path, files.get(step.existing) ?? assert.fail(step.existing));
      return;
    }
    case "setMetadata": {
      const node = files.get(step.path) ?? assert.fail(step.path);
      const changed = { ...node.inode, uid: step.uid, gid: step.gid };
      if (step.mode !== undefined && "mode" in changed) changed.mode = step.mode;
      if (step.mtimeMs !== undefined && "mtimeMs" in changed) changed.mtimeMs = step.mtimeMs;
      node.inode = changed;
    }
  }
}

/** Everything that is visible from outside: the object at each path, and which paths are one file. */
function describe(files: ModelFileSystem, counts: (path: string) => boolean): Record<string, unknown> {
  const names = new Map<object, string>();
  const description: Record<string, unknown> = {};
  for (const path of [...files.keys()].filter(counts).sort()) {
    const node = files.get(path) ?? assert.fail(path);
    const first = names.get(node);
    if (first === undefined) names.set(node, path);
    description[path] = node.inode.kind === "directory" ? { ...node.inode } : { ...node.inode, sameAs: first ?? path };
  }
  return description;
}

// ---- random trees with few names, so that kinds collide, files move, and hard links cross

const owner = { uid: fc.constantFrom(0, 7), gid: fc.constantFrom(0, 7) };
const mode = fc.constantFrom(0o755, 0o4755, 0o600);
const content = fc.constantFrom(
  { size: 0, sha512: "" },
  { size: 1, sha512: "aa" },
  { size: 2, sha512: "bb" },
  { size: 3, sha512: "cc" },
);
const inodes = fc.oneof(
  fc.record({ kind: fc.constant("directory" as const), mode, ...owner }),
  fc.record({ kind: fc.constant("directory" as const), mode, ...owner }),
  fc
    .record({ kind: fc.constant("regular" as const), mode, ...owner, mtimeMs: fc.constantFrom(1000, 2000), content })
    .map(({ content: { size, sha512 }, ...rest }) => ({ ...rest, size, sha512 })),
  fc.record({ kind: fc.constant("symlink" as const), ...owner, target: fc.constantFrom("a", "/b") }),
  fc.record({
    kind: fc.constant("special" as const),
    mode: fc.constantFrom(0o020600, 0o010600, 0o010644),
    ...owner,
    rdev: fc.constantFrom(0, 259),
  }),
);
const pathNames = fc
  .array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 4 })
  .map((parts) => `/${parts.join("/")}`);
const trees: fc.Arbitrary<Tree> = fc
  .array(fc.record({ path: pathNames, inode: inodes, linkTo: fc.option(fc.nat(5), { nil: undefined }) }), {
    maxLength: 25,
  })
  .map((wishes) => {
    const made: Inode[] = [];
    const entries = new Map<string, number>();
    for (const { path, inode, linkTo } of [...wishes].sort((one, other) => (one.path < other.path ? -1 : 1))) {
      const parent = entries.get(parentPath(path));
      const parentIsDirectory =
        parentPath(path) === "/" || (parent !== undefined && made[parent]?.kind === "directory");
      if (entries.has(path) || !parentIsDirectory) continue;
      const files = [...made.keys()].filter((number) => made[number]?.kind !== "directory");
      const linked = linkTo === undefined ? undefined : files[linkTo % Math.max(files.length, 1)];
      if (linked !== undefined) entries.set(path, linked);
      else entries.set(path, made.push(inode) - 1);
    }
    return { inodes: made, entries: [...entries].sort(([one], [other]) => (one < other ? -1 : 1)) };
  });
/** A pair of trees: unrelated, or the second made from the first by cutting links and changing owners. */
const pairs = fc.oneof(
  fc.tuple(trees, trees),
  fc
    .tuple(trees, fc.array(fc.constantFrom("same", "cut", "chown"), { minLength: 25, maxLength: 25 }))
    .map(([tree, changes]): [Tree, Tree] => {
      const made: Inode[] = [...tree.inodes];
      const entries = tree.entries.map(([path, number], index): [string, number] => {
        const inode = made[number] ?? assert.fail(path);
        const change = changes[index % changes.length];
        return change === "same"
          ? [path, number]
          : [path, made.push(change === "cut" ? { ...inode } : { ...inode, uid: 9 }) - 1];
      });
      return [tree, { inodes: made, entries }];
    }),
);
const filters = fc.constantFrom(
  [],
  ["/a/b"],
  ["/a$"],
  ["/c/.*", "/b/a/c$"],
  ["/[ab]/c(|/.*)$"],
  ["/.*/a/.*"],
  ["!", "/a", "/b/b"],
);

/** The tree as a sub reports it: paths that the filter matches are marked and not entered. */
function asSeen(tree: Tree, protects: (path: string) => boolean): SeenTree {
  const seen: SeenInode[] = [...tree.inodes, { kind: "protected" }];
  const entries = tree.entries.flatMap(([path, number]): [string, number][] => {
    if (!protects(path)) return [[path, number]];
    return protects(parentPath(path)) ? [] : [[path, seen.length - 1]];
  });
  return { inodes: seen, entries };
}

test("property: carrying out the plan makes of one tree the other, outside the filter, and touches nothing inside it", () => {
  fc.assert(
    fc.property(pairs, filters, fc.uniqueArray(fc.constantFrom("aa", "bb")), ([have, want], lines, objects) => {
      assert.equal(faultOfTree(have) ?? faultOfTree(want), undefined);
      const parsed = parseFilter(lines);
      assert.ok(parsed.kind === "filter");
      const { protects } = parsed.filter;
      const sharesProtectedInode = have.entries.some(
        ([path, number]) => !protects(path) && have.entries.some(([other, same]) => same === number && protects(other)),
      );
      fc.pre(!sharesProtectedInode);

      const seen = asSeen(have, protects);
      const plan = planUpdate({ have: seen, want, filter: parsed.filter, objects: new Set(objects) });
      const store = new Set([...objects, ...plan.missing.map((missing) => missing.sha512)]);
      const files = modelOf(have);
      for (const step of plan.steps) {
        assert.ok(!protects(step.path), `${step.kind} ${step.path} is protected`);
        runStep(files, step, store);
      }

      assert.deepEqual(describe(files, protects), describe(modelOf(have), protects));
      const blocked = (path: string) => plan.blocked.some((block) => path === block || path.startsWith(`${block}/`));
      const guarded = (path: string) => have.entries.some(([other]) => protects(other) && other.startsWith(`${path}/`));
      const wanted = modelOf(want);
      const counts = (path: string) => !protects(path) && !blocked(path) && (wanted.has(path) || !guarded(path));
      assert.deepEqual(describe(files, counts), describe(wanted, counts));
    }),
    { numRuns: runs(3000) },
  );
});

test("property: a tree needs nothing to become itself", () => {
  fc.assert(
    fc.property(trees, filters, (tree, lines) => {
      const parsed = parseFilter(lines);
      assert.ok(parsed.kind === "filter");
      const plan = planUpdate({
        have: asSeen(tree, parsed.filter.protects),
        want: tree,
        filter: parsed.filter,
        objects: new Set(),
      });
      assert.deepEqual(plan, { steps: [], missing: [], blocked: [] });
    }),
  );
});

// ---- the cases that people ask about

const directory: Inode = { kind: "directory", mode: 0o755, uid: 0, gid: 0 };
const file = (sha512: string, mtimeMs = 0): Inode => ({
  kind: "regular",
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtimeMs,
  size: 5,
  sha512,
});
const noFilter = { matches: () => false, protects: () => false };
const only = (inodesOf: readonly SeenInode[], entries: readonly [string, number][]): SeenTree => ({
  inodes: inodesOf,
  entries,
});

test("a directory above something protected stays, though the image does not have it", () => {
  const have = only(
    [directory, directory, { kind: "protected" }, file("aa")],
    [
      ["/etc", 0],
      ["/etc/ssl", 1],
      ["/etc/ssl/key", 2],
      ["/etc/ssl/old", 3],
    ],
  );
  const plan = planUpdate({
    have,
    want: { inodes: [directory], entries: [["/etc", 0]] },
    filter: noFilter,
    objects: new Set(),
  });
  assert.deepEqual(plan.steps, [{ kind: "removeFile", path: "/etc/ssl/old" }]);
});

test("a file wanted where something protected lies below is left out and named", () => {
  const have = only(
    [directory, { kind: "protected" }],
    [
      ["/a", 0],
      ["/a/key", 1],
    ],
  );
  const plan = planUpdate({
    have,
    want: { inodes: [file("aa")], entries: [["/a", 0]] },
    filter: noFilter,
    objects: new Set(),
  });
  assert.deepEqual(plan, { steps: [], missing: [], blocked: ["/a"] });
});

test("a moved file is not fetched again", () => {
  const have = only([file("aa")], [["/old", 0]]);
  const plan = planUpdate({
    have,
    want: { inodes: [file("aa")], entries: [["/new", 0]] },
    filter: noFilter,
    objects: new Set(),
  });
  assert.deepEqual(plan.missing, []);
  assert.deepEqual(
    plan.steps.map((step) => step.kind),
    ["keepObject", "placeFile", "removeFile"],
  );
});

test("another time is metadata, not content", () => {
  const have = only([file("aa", 1)], [["/f", 0]]);
  const plan = planUpdate({
    have,
    want: { inodes: [file("aa", 2)], entries: [["/f", 0]] },
    filter: noFilter,
    objects: new Set(),
  });
  assert.deepEqual(plan.steps, [{ kind: "setMetadata", path: "/f", mode: 0o644, uid: 0, gid: 0, mtimeMs: 2 }]);
});
