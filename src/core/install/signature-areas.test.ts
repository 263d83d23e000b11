import assert from "node:assert/strict";
import { test } from "node:test";
import { signatureAreas } from "./signature-areas.ts";

const mib = 2 ** 20;
const gib = 2 ** 30;
const areas = (sizeBytes: number, ...starts: number[]) =>
  signatureAreas(sizeBytes, starts).map(({ start, length }) => [start, length]);

test("the areas of a disk: its beginning and its end, and where Ceph repeats its label", () => {
  assert.deepEqual(areas(gib), [
    [0, 16 * mib],
    [gib - 2 * mib, 2 * mib],
  ]);
  assert.deepEqual(areas(11 * gib).slice(1, 3), [
    [gib, 4096],
    [10 * gib, 4096],
  ]);
  assert.deepEqual(areas(4 * mib), [[0, 4 * mib]], "a small disk as a whole");
});

test("the areas of old partitions: what begins and what ends there, on this disk only", () => {
  assert.deepEqual(areas(gib, mib, 100 * mib, gib - mib, 2 * gib), [
    [0, 17 * mib],
    [98 * mib, 18 * mib],
    [gib - 3 * mib, 3 * mib],
  ]);
});
