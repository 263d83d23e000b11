import assert from "node:assert/strict";
import { test } from "node:test";
import { unverifiedText } from "../../core/machine/unverified-line.ts";
import { logText, newestOf, unverifiedLines } from "./log.ts";

const line = (text: string, atMs: number, boot?: string) => ({ text, atMs, ...(boot === undefined ? {} : { boot }) });
const heads = (lines: readonly string[]) => lines.map((one) => /^-- (boot \d of \d)/.exec(one)?.[1] ?? one.slice(9));

test("each boot of a log begins with a line that names it, its date and its zone", () => {
  const lines = [line("early", 1), line("a", 2, "aaaaaaaa"), line("note", 3), line("b", 4, "bbbbbbbb")];
  const text = logText({ lines, boots: 3, boot: 1 });
  assert.deepEqual(heads(text), ["boot 1 of 3", "early", "boot 2 of 3", "a", "note", "boot 3 of 3", "b"]);
  assert.match(text[0] ?? "", /, 1970-01-01 \d\d:00:00 UTC.* --$/);
});

test("of the newest lines, the first has the boot that it has among all", () => {
  const lines = [line("early", 1), line("a", 2, "aaaaaaaa"), line("note", 3), line("b", 4, "bbbbbbbb")];
  const newest = (most: number) => heads(logText(newestOf({ lines, boots: 3, boot: 1 }, most)));
  assert.deepEqual(newest(1), ["boot 3 of 3", "b"]);
  assert.deepEqual(newest(2), ["boot 2 of 3", "note", "boot 3 of 3", "b"]);
  assert.deepEqual(newest(3), ["boot 2 of 3", "a", "note", "boot 3 of 3", "b"]);
  for (const most of [4, 5]) assert.deepEqual(newest(most), heads(logText({ lines, boots: 3, boot: 1 })));
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

test("followed lines that came by UDP are not printed again when TLS brings them; a note says that they are verified", () => {
  const early = (sequence: number, text: string) => line(unverifiedText(sequence, text), 1, "aaaaaaaa");
  const follow = unverifiedLines([early(1, "a"), line("old", 1, "aaaaaaaa")]);
  const printed = (lines: Parameters<typeof follow.confirm>[0]) => [
    ...follow.confirm(lines).map(({ text }) => text),
    ...follow.takeNote(),
  ];
  assert.deepEqual(printed([early(2, "b"), early(3, "b")]), ["unverified #2: b", "unverified #3: b"]);
  const more = ["a", "b", "b", "b", "c"].map((text) => line(text, 2, "aaaaaaaa"));
  assert.deepEqual(printed(more), ["b", "c", "-- 3 unverified lines above came again by TLS: verified --"]);
  assert.deepEqual(printed([line("a", 3, "bbbbbbbb"), line("a", 3, "aaaaaaaa")]), ["a", "a"]);
});
