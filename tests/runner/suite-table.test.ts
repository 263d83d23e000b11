import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { suites } from "../suites.ts";

test("the table in CONTRIBUTING.md has every suite with its time and whether it needs root, in the order of ./test --list", () => {
  const document = readFileSync("CONTRIBUTING.md", "utf8");
  const table = /^\| suite \|.*\n\|[-|]+\n((?:\|.*\n)+)/m.exec(document)?.[1] ?? "";
  const rows = table
    .trim()
    .split("\n")
    .map((row) =>
      row
        .split("|")
        .slice(1, 4)
        .map((cell) => cell.trim()),
    );
  assert.deepEqual(
    rows,
    suites.map(({ name, cost, needsRoot, onlyWhenNamed }) => [
      `${name}${onlyWhenNamed === true ? " *" : ""}`,
      cost,
      needsRoot === true ? "yes" : "no",
    ]),
  );
});
