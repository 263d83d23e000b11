import assert from "node:assert/strict";
import { test } from "node:test";
import type { Suite } from "../suites.ts";
import { choose } from "./choose.ts";
import { readTestCommand, unknownWord } from "./command-line.ts";

const names = ["check", "unit", "birth"];
const run = { kind: "files", globs: ["tests/runner/command-line.test.ts"], timeoutMs: 1000 } as const;
const suite: Suite = { name: "plain", about: "", cost: "", packages: [], run };
const read = (text: string) => readTestCommand(text === "" ? [] : text.split(" "), names);

test("a word is a suite if a suite has that name, and a path otherwise", () => {
  assert.deepEqual(read(""), { kind: "run", watch: false, suites: [], paths: [] });
  assert.deepEqual(read("unit dhcp/reply -g lease --watch"), {
    ...{ kind: "run", watch: true, suites: ["unit"], paths: ["dhcp/reply"] },
    name: "lease",
  });
  assert.deepEqual(read("--list"), { kind: "list" });
  assert.deepEqual(read("unit --help"), { kind: "help" });
});

test("--fresh takes suites or a command, not both", () => {
  assert.deepEqual(read("--fresh check unit -g x"), {
    kind: "fresh",
    words: ["check", "unit", "-g", "x"],
    command: [],
  });
  assert.deepEqual(read("--fresh -- ./birther demo"), { kind: "fresh", words: [], command: ["./birther", "demo"] });
  assert.equal(read("--fresh unit -- ./birther demo").kind, "wrong");
  assert.equal(read("--fresh --").kind, "wrong");
});

test("an invalid command line is answered with what was expected, what was found, and a next step", () => {
  for (const text of ["--wach", "-g", "unit -g ("]) {
    const command = read(text);
    assert.ok(command.kind === "wrong");
    assert.match(command.text, /expected .*, found .*; \.\/test --help/);
  }
  assert.match(unknownWord("untt", names), /expected .*, found "untt"; did you mean "unit"\?/);
  assert.doesNotMatch(unknownWord("src/nothing", names), /did you mean/);
});

test("without a word, all suites run except those that must be named; a path is searched in all", () => {
  const suites = [suite, { ...suite, name: "long", onlyWhenNamed: true } as const];
  const chosen = (suiteNames: readonly string[], paths: readonly string[]) => {
    const found = choose({ suites: suiteNames, paths }, suites);
    return found.kind === "chosen" ? found.suites.map(({ suite, files }) => [suite.name, files.length]) : found.text;
  };
  assert.deepEqual(chosen([], []), [["plain", 1]]);
  assert.deepEqual(chosen(["long"], []), [["long", 1]]);
  assert.deepEqual(chosen([], ["runner/command"]), [
    ["plain", 1],
    ["long", 1],
  ]);
  assert.match(String(chosen(["plain"], ["nowhere"])), /found "nowhere", which plain does not have/);
});
