import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { lockState } from "../../src/mdb/sqlite/state-lock.ts";

test("only one server at a time can lock a state directory", () => {
  const directory = mkdtempSync(join(tmpdir(), "birther-lock-"));
  const path = join(directory, "lock.sqlite");
  const first = lockState(path);
  assert.throws(() => lockState(path), /another server uses this state directory/);
  first[Symbol.dispose]();
  lockState(path)[Symbol.dispose]();
  assert.throws(() => lockState(join(directory, "missing", "lock")), /locking the state directory failed: .*missing/);
  rmSync(directory, { recursive: true });
});
