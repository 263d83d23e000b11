import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const home = join(import.meta.dirname, "../..");

test("every path that docs/architecture.md names is there", () => {
  const text = readFileSync(join(home, "docs/architecture.md"), "utf8");
  const paths = [...text.matchAll(/`((?:src|tests|docs)\/[\w./-]*)`/g)].map(([, path = ""]) => path);
  assert.ok(paths.length > 20);
  assert.deepEqual(
    paths.filter((path) => !existsSync(join(home, path))),
    [],
  );
});
