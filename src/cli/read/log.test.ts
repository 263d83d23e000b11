import assert from "node:assert/strict";
import { test } from "node:test";
import { logText } from "./log.ts";

const line = (text: string, atMs: number, boot?: string) => ({ text, atMs, ...(boot === undefined ? {} : { boot }) });
const heads = (lines: readonly string[]) => lines.map((one) => /^-- (boot \d of \d)/.exec(one)?.[1] ?? one.slice(9));

test("each boot of a log begins with a line that names it, its date and its zone", () => {
  const lines = [line("early", 1), line("a", 2, "aaaaaaaa"), line("note", 3), line("b", 4, "bbbbbbbb")];
  const text = logText({ lines, boots: 3, boot: 1 });
  assert.deepEqual(heads(text), ["boot 1 of 3", "early", "boot 2 of 3", "a", "note", "boot 3 of 3", "b"]);
  assert.match(text[0] ?? "", /, 1970-01-01 \d\d:00:00 UTC.* --$/);
});

test("lines that follow begin no boot that has begun before", () => {
  const before = line("a", 2, "aaaaaaaa");
  const more = [line("a2", 3, "aaaaaaaa"), line("b", 4, "bbbbbbbb")];
  assert.deepEqual(heads(logText({ lines: more, boots: 2, boot: 1 }, before)), ["a2", "boot 2 of 2", "b"]);
});

test("a day that begins within a boot is named: an agent logs for months", () => {
  const dayMs = 86_400_000;
  const lines = [line("a", 0, "aaaaaaaa"), line("b", 3 * dayMs, "aaaaaaaa"), line("c", 3 * dayMs + 1)];
  const text = logText({ lines, boots: 1, boot: 1 });
  assert.equal(text.length, 5);
  assert.match(text[2] ?? "", /^-- 1970-01-0[34] --$/);
});
