import assert from "node:assert/strict";
import { test } from "node:test";
import { commandLine } from "./shell-word.ts";

test("words reach a command as they are", () => {
  const words = ["rebirth", "r01u01", "rack in (7,8)", "it's; $(reboot) `x`", "", "*"];
  assert.equal(commandLine("rebirth", "r01u01", "a=b"), "rebirth r01u01 a=b");
  assert.equal(commandLine("it's"), `'it'\\''s'`);
  assert.equal(commandLine(...words).startsWith("rebirth r01u01 'rack in (7,8)' "), true);
});
