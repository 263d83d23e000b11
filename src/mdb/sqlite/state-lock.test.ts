import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { lockState } from "./state-lock.ts";

test("a state directory is held by one server at a time", () => {
  const directory = mkdtempSync(join(tmpdir(), "birther-lock-"));
  const path = join(directory, "lock.sqlite");
  const first = lockState(path);
  assert.throws(() => lockState(path), /another server runs on this state directory/);
  first[Symbol.dispose]();
  lockState(path)[Symbol.dispose]();
  rmSync(directory, { recursive: true });
});
