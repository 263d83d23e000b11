import assert from "node:assert/strict";
import { test } from "node:test";
import { watchRoom } from "./room.ts";

const mebibyte = 1 << 20;

test("import: ends before the file system is full, also for contents of any size", () => {
  let free = 300 * mebibyte;
  const expect = watchRoom("/objects", () => free);
  expect(mebibyte);
  free = 260 * mebibyte;
  for (let written = 0; written < 31; written += 1) expect(mebibyte);
  assert.throws(() => expect(mebibyte), /\/objects: expected 288 MiB of free space to go on, found 260 MiB; make room/);
  assert.throws(() => watchRoom("/objects", () => 1000 * mebibyte)(2000 * mebibyte), /found 1000 MiB/);
});
