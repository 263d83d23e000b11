import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  bootNumbered,
  bootsOf,
  type LogLine,
  lineCharacters,
  readLogLines,
  shortBootId,
  writeLogLines,
} from "./log-line.ts";

const line = (text: string, boot?: string, atMs = 5): LogLine => ({
  atMs,
  ...(boot === undefined ? {} : { boot }),
  text,
});

test("what is written is read again, on one line each, whatever a machine says", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string({ unit: "binary" }), fc.boolean())), (said) => {
      const lines = said.map(([text, known]) => line(text, known ? "0123abcd" : undefined));
      const read = readLogLines(writeLogLines(lines));
      assert.equal(read.length, lines.length);
      for (const [at, { text, boot }] of read.entries()) {
        assert.equal(boot, lines[at]?.boot);
        assert.ok(text.length <= lineCharacters && !/[\p{Cc}\u202e]/u.test(text));
      }
    }),
  );
});

test("a file that a power cut left is read up to its last whole line; zeros and garbage in it are passed over", () => {
  const whole = writeLogLines([line("one"), line("two")]);
  assert.deepEqual(
    readLogLines(`${whole}7 - three`).map(({ text }) => text),
    ["one", "two"],
  );
  const damaged = `${whole}\0\0\0\0\n7 - th\0ree\ngarbage\n8 - four\n`;
  assert.deepEqual(
    readLogLines(damaged).map(({ text }) => text),
    ["one", "two", "four"],
  );
});

test("boots are counted from the oldest, or back from the latest; lines without a boot belong to the one before", () => {
  const lines = [line("early"), line("a1", "aaaaaaaa"), line("note"), line("b1", "bbbbbbbb"), line("c1", "cccccccc")];
  const boots = bootsOf(lines);
  const texts = (number: number) => bootNumbered(boots, number)?.lines.map(({ text }) => text);
  assert.deepEqual([texts(1), texts(2), texts(0), texts(-1)], [["early"], ["a1", "note"], ["c1"], ["b1"]]);
  assert.deepEqual([texts(5), texts(-4)], [undefined, undefined]);
  assert.deepEqual([shortBootId("0123ABCD-aaaa"), shortBootId("boot-1")], ["0123abcd", undefined]);
});
