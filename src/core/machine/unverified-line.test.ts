import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { LogLine } from "./log-line.ts";
import { readUnverified, unverifiedText, withoutRepeats } from "./unverified-line.ts";

const boot = "0123abcd";
const verified = (text: string, atMs = 1, of = boot): LogLine => ({ atMs, boot: of, text });
const early = (sequence: number, text: string, of = boot) => verified(unverifiedText(sequence, text), 0, of);
const texts = (lines: readonly LogLine[]) => lines.map(({ text }) => text);

test("a line that came again by TLS is shown once, as verified; what only UDP brought stays", () => {
  const lines = [early(1, "a"), early(2, "b"), early(2, "b"), early(3, "only here"), verified("a"), verified("b")];
  assert.deepEqual(texts(withoutRepeats(lines)), ["unverified #3: only here", "a", "b"]);
});

test("two equal lines of a machine are two; those of another boot are others", () => {
  const lines = [early(1, "a"), early(2, "a"), early(3, "a", "ffffffff"), verified("a"), verified("a")];
  assert.deepEqual(texts(withoutRepeats(lines)), ["unverified #3: a", "a", "a"]);
  assert.equal(withoutRepeats([early(1, "a"), early(2, "a")]).length, 2);
});

test("long lines are the same although the mark takes some of their room", () => {
  const long = "x".repeat(500);
  const cut = { ...early(7, long), text: unverifiedText(7, long).slice(0, 500) };
  assert.deepEqual(texts(withoutRepeats([cut, verified(long)])), [long]);
});

test("no verified line is ever left out, whatever strangers sent", () => {
  const text = fc.constantFrom("a", "b", "unverified #1: a", "unverified #x: a", "");
  const lines = fc.array(fc.record({ text, sequence: fc.integer({ min: 0, max: 3 }), isEarly: fc.boolean() }));
  fc.assert(
    fc.property(lines, (said) => {
      const all = said.map((one) => (one.isEarly ? early(one.sequence, one.text) : verified(one.text)));
      const plain = (some: readonly LogLine[]) => some.filter((line) => readUnverified(line.text) === undefined);
      assert.deepEqual(plain(withoutRepeats(all)), plain(all));
    }),
  );
});
