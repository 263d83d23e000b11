import assert from "node:assert/strict";
import { test } from "node:test";
import { bannedPhrases } from "./banned-phrases.ts";
import { formerNames, formerNouns } from "./former-names.ts";
import { markdownFaults } from "./markdown.ts";
import { sourceParts } from "./source-parts.ts";

const long = "word ".repeat(21).trim();

test("a long line of prose is a fault; code, a URL and a table row are not", () => {
  assert.deepEqual(markdownFaults(`short\n${long}`), [{ line: 2, text: "expected at most 100 columns, found 104" }]);
  assert.deepEqual(markdownFaults(`\`\`\`\n${long}\n\`\`\`\n\n    ${long}\n`), []);
  assert.deepEqual(markdownFaults(`- [text](https://example.org/${"x".repeat(100)})`), []);
  assert.deepEqual(markdownFaults(`| ${"word ".repeat(12)}| ${"word ".repeat(12)}|`), []);
});

test("a long table cell is a fault, also behind an escaped bar", () => {
  const [fault, ...others] = markdownFaults(`| a | b |\n|---|---|\n| \`x\\|y\` ${"word ".repeat(16)}| b |`);
  assert.equal(fault?.line, 3);
  assert.match(fault?.text ?? "", /at most 80 characters.*found 86/);
  assert.deepEqual(others, []);
});

test("a phrase is found across a line break, and named by the line on which its paragraph begins", () => {
  const faults = markdownFaults("fine\n\nonce so\nmany are there\n\n    so many in code");
  assert.deepEqual(
    faults.map(({ line }) => line),
    [3],
  );
  assert.match(faults[0]?.text ?? "", /expected .*, found "so many"/);
});

test("ordinary English has no banned phrase", () => {
  assert.deepEqual(bannedPhrases("It gets on the network. Once this limit is reached, machines are ignored."), []);
});

test("a former name is found as a word of a camel-case name, and not inside another word", () => {
  assert.deepEqual(formerNames("const kernelFate = openLedger(a.toldAtMs); gateway.heartbeat(heard, patients)"), [
    "expected a name with outcome, found kernelFate",
    "expected a name with journal, found openLedger",
    "expected a name with notified, found toldAtMs",
  ]);
  assert.deepEqual(formerNames("this.#carryOut(constructor)"), ["expected a name with execute, found carryOut"]);
});

test("a former noun is found in prose; a key of stored data in quotes is history", () => {
  assert.deepEqual(formerNouns("one ticket per machine"), ['expected order, found "ticket"']);
  assert.deepEqual(formerNouns("it was `ticket`, at $.ticket, or 'ticket'"), []);
});

test("a source is taken apart into strings and template texts, comments and code, with their lines", () => {
  const source = [
    `const a = "one"; // "no"`,
    `/* 'no' */ const b = 'it\\'s two';`,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source code
    "const c = `three ${f({ x: `four` })} five`;",
    'const d = /["`]/.test(a) ? "six" : {};',
  ].join("\n");
  const { literals, comments, code } = sourceParts(source);
  const lines = (parts: typeof literals) => parts.map(({ line, text }) => `${line} ${text.trim()}`);
  assert.deepEqual(lines(literals), ["1 one", "2 it\\'s two", "3 three", "3 four", "3 five", "4 six"]);
  assert.deepEqual(lines(comments), ['1 // "no"', "2 /* 'no' */"]);
  assert.match(code.map(({ text }) => text).join(""), /^const a = ;\s+const b = ;\s+const c = f\( x: \);\s+const d = /);
});
