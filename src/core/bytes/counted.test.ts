import assert from "node:assert/strict";
import { test } from "node:test";
import { counted } from "./counted.ts";

test("a number of things: singular, plural, and thousands apart", () => {
  assert.deepEqual(
    [counted(0, "machine"), counted(1, "machine"), counted(999, "machine"), counted(1_234_567, "machine")],
    ["0 machines", "1 machine", "999 machines", "1,234,567 machines"],
  );
  assert.deepEqual(
    [counted(1, "directory", "directories"), counted(2, "directory", "directories")],
    [...["1 directory", "2 directories"]],
  );
});
