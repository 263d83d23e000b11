import assert from "node:assert/strict";
import { test } from "node:test";
import { logText } from "./log-text.ts";

const atMs = Date.UTC(2026, 10, 30, 23, 59, 58);
const line = (text: string, seconds: number, boot?: string) => ({
  ...{ text, atMs: atMs + seconds * 1000 },
  ...(boot === undefined ? {} : { boot }),
});

test("each line has its time; a boot and a new day begin with a line that says so; what a machine wrote stays text", () => {
  const lines = [
    line("early", 0),
    line("a", 1, "aaaaaaaa"),
    line("next day", 2),
    line("b \u001b[31m<img>", 3, "bbbbbbbb"),
  ];
  assert.deepEqual(logText({ lines, boot: 2, boots: 4 }, "UTC").split("\n"), [
    "-- boot 2 of 4, 2026-11-30 23:59:58 UTC --",
    "23:59:58 early",
    "-- boot 3 of 4, 2026-11-30 23:59:59 UTC --",
    "23:59:59 a",
    "-- 2026-12-01 --",
    "00:00:00 next day",
    "-- boot 4 of 4, 2026-12-01 00:00:01 UTC --",
    "00:00:01 b \u241b[31m<img>",
  ]);
});
