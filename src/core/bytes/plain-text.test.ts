import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { runs } from "../../../tests/support/runs.ts";
import { escapeCommands, plainFacts, plainText } from "./plain-text.ts";

for (const [what, hostile, plain] of [
  ["a terminal's escape", "a\x1b[2Jb", "a\ufffd[2Jb"],
  ["its one-byte form", "a\x9b2Jb", "a\ufffd2Jb"],
  ["a forged line of a log", "name\nerror: burnt down", "name\ufffderror: burnt down"],
  ["NUL, backspace and DEL", "\0\b\x7f", "\ufffd\ufffd\ufffd"],
  ["the line separator of JavaScript", "a\u2028b", "a\ufffdb"],
  ["text that is shown backwards", "a\u202egpj.exe", "a\ufffdgpj.exe"],
  ["a name with a space that nobody sees", "tor-1\u200b7\ufeff", "tor-1\ufffd7\ufffd"],
  ["a text hidden in tags", "a\u{e0041}\u{e007f}", "a\ufffd\ufffd"],
  ["joiners of scripts and emoji", "क्‍ष 🧑‍🚀", "क्‍ष 🧑‍🚀"],
  ["marks piled on a letter", `Z${"\u0351".repeat(60)}x`, `Z${"\u0351".repeat(6)}x`],
  ["half a character", "a\ud800", "a\ufffd"],
  ["a tab", "a\tb", "a b"],
  ["any language", "Zürich 東京 🦆 100%", "Zürich 東京 🦆 100%"],
] as const) {
  test(`plain text: ${what}`, () => assert.equal(plainText(hostile), plain));
}

test("plain facts: every text and key of a document, nothing else", () => {
  assert.deepEqual(plainFacts({ "a\n": ["\x1b", 1, null, { b: true }] }), {
    "a\ufffd": ["\ufffd", 1, null, { b: true }],
  });
});

test("plain facts: a document of a hundred thousand levels is refused, one of fifty is not", () => {
  const nested = (levels: number) => JSON.parse("[".repeat(levels) + "]".repeat(levels));
  assert.throws(() => plainFacts(nested(100_000)), /^Error: expected at most 100 levels of JSON, found more$/);
  assert.deepEqual(plainFacts(nested(50)), nested(50));
});

test("property: escaped JSON means the same, and has nothing that commands", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary" })), (texts) => {
      const json = JSON.stringify(texts);
      assert.deepEqual(JSON.parse(escapeCommands(json)), texts);
      assert.equal(plainText(escapeCommands(json)), escapeCommands(json));
    }),
    { numRuns: runs(2000) },
  );
});
