import assert from "node:assert/strict";
import { test } from "node:test";
import { wrapLine } from "./wrap.ts";

test("a short line stays unchanged", () => {
  assert.deepEqual(wrapLine("- a key", "  "), ["- a key"]);
});

test("a long line wraps at 100 columns and keeps its words", () => {
  const text = `- ${"word ".repeat(60).trim()}`;
  const lines = wrapLine(text, "  ");
  assert.ok(lines.every((line) => line.length <= 100));
  assert.ok(lines.slice(1).every((line) => line.startsWith("  word")));
  assert.equal(lines.map((line) => line.trim()).join(" "), text);
});

test("a word longer than a line is not broken, and the indent of the first line stays", () => {
  const long = "x".repeat(120);
  assert.deepEqual(wrapLine(`  ${long} end`, "    "), [`  ${long}`, "    end"]);
});
