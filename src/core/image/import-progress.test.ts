import assert from "node:assert/strict";
import { test } from "node:test";
import { currentImports, describeImport, importSilentMs, withImport } from "./import-progress.ts";

const note = (stream: string, atMs: number, doneBytes = 0) => ({
  ...{ stream, paths: 1, doneBytes, totalBytes: 2 ** 21, atMs },
});

test("an import keeps its beginning, and is forgotten when nothing is heard of it, or when there are too many", () => {
  const one = withImport(withImport([], note("compute", 1000)), note("compute", 3000, 2 ** 20));
  assert.deepEqual(one, [{ ...note("compute", 3000, 2 ** 20), startedAtMs: 1000 }]);
  assert.deepEqual(one.map(describeImport), ["importing compute: 50 % of 2 MiB, 1 path"]);
  const two = withImport(one, note("storage", 3000 + importSilentMs));
  assert.deepEqual(
    two.map(({ stream }) => stream),
    ["storage"],
  );
  assert.deepEqual(currentImports(one, 2999 + importSilentMs), one);
  let many = two;
  for (let n = 0; n < 50; n += 1) many = withImport(many, note(`s${n}`, 3000 + importSilentMs));
  assert.deepEqual([many.length, many.at(-1)?.stream], [20, "s49"]);
});
