import assert from "node:assert/strict";
import { test } from "node:test";
import { Command, Option } from "commander";
import { candidatesFor } from "./candidates.ts";

const program = new Command("birther");
program.command("machines").addOption(new Option("-o, --output <format>", "format").choices(["table", "json"]));
program.command("show <name>").option("--state <dir>", "directory").option("--json", "as JSON");
program.command("rebirth [name...]").option("-w, --where <selector>", "facts");
const image = program.command("image");
program.command("tokens").command("revoke <name>");
image.command("diff <from> <to>");
image.command("import <stream> <source>").option("--confidential");
program.command("complete [words...]", { hidden: true });

const cases: readonly (readonly [line: string, expected: string | readonly string[]])[] = [
  ["", ["machines", "show", "rebirth", "image", "tokens", "help"]],
  ["s", ["show"]],
  ["image ", ["diff", "import", "help"]],
  ["image im", ["import"]],
  ["image diff ", "images"],
  ["image diff compute/1 ", "images"],
  ["image diff compute/1 compute/2 ", []],
  ["image import --", ["--confidential", "--help"]],
  ["image import compute ", "files"],
  ["machines -o ", ["table", "json"]],
  ["machines --output json ", []],
  ["show ", "machines"],
  ["show --state /var/lib/birther r01", "machines"],
  ["show --state ", "files"],
  ["show r01u01 --j", ["--json"]],
  ["rebirth r01u01 r01u02 ", "machines"],
  ["rebirth -w rack=7 -- --", "machines"],
  ["machines -o j", ["json"]],
  ["tokens revoke ", "files"],
  ["nonsense ", []],
];

for (const [line, expected] of cases)
  test(`birther ${line}⌶`, () => {
    const found = candidatesFor(program, line.split(" "));
    assert.deepEqual(found.kind === "words" ? found.words : found.kind, expected);
  });
