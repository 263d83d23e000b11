import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runProgram } from "../native/native-program.ts";

test("a full disk of a machine is named, and no content stays that is not whole", async () => {
  const directory = mkdtempSync(join(tmpdir(), "birther-full-"));
  const disk = join(directory, "disk");
  mkdirSync(disk);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "birther-test", disk]);
  try {
    const { large, many, small } = await runProgram(directory, "full-disk", [disk]);
    for (const said of [large, many]) assert.match(said, /^write object [0-9a-f]{16}…: No space left on device$/);
    // Of many, those that had room are still there, so that only what is missing is fetched again.
    const left = readdirSync(disk).flatMap((part) => readdirSync(join(disk, part)));
    assert.ok(left.length >= 10 && left.length < 40, `found ${left.length}`);
    assert.equal(small, "stored 1");
  } finally {
    execFileSync("umount", [disk]);
    rmSync(directory, { recursive: true });
  }
});
