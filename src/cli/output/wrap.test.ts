import assert from "node:assert/strict";
import { test } from "node:test";
import { fitLines } from "./wrap.ts";

test("a long line goes on to the right of its label; nothing is lost, and in a pipe nothing is wrapped", () => {
  const line = "  condition  failing: the disk is slow, and it is an old one";
  const wrapped = fitLines(["name", line], 13, 30);
  assert.deepEqual(wrapped, [
    "name",
    "  condition  failing: the disk",
    "             is slow, and it",
    "             is an old one",
  ]);
  assert.deepEqual(fitLines([line], 13, Number.POSITIVE_INFINITY), [line]);
});
