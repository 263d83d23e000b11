import assert from "node:assert/strict";
import { test } from "node:test";
import type { MachineId } from "../../core/machine/record.ts";
import { machineLogs } from "./machine-logs.ts";

const id = (n: number) => `m-${n}` as MachineId;
const said = (...texts: string[]) => texts.map((text) => ({ atMs: 0, text }));

test("lines are bounded in length and number, and the whole fleet's in sum: who was silent for longest loses them", () => {
  const logs = machineLogs({ lines: 3, lineCharacters: 5, totalCharacters: 20 });
  logs.add(id(1), said("1", "2", "3", "4 and more"));
  assert.deepEqual(logs.of(id(1)), said("2", "3", "4 and"));
  logs.add(id(2), said("12345", "12345"));
  logs.add(id(1), said("5"));
  assert.deepEqual(logs.of(id(1)), said("3", "4 and", "5"));
  logs.add(id(3), said("12345"));
  assert.deepEqual(
    [1, 2, 3].map((n) => logs.of(id(n)).length),
    [3, 0, 1],
  );
  logs.forget(id(1));
  logs.add(id(2), said("12345", "12345"));
  assert.deepEqual(
    [1, 2, 3].map((n) => logs.of(id(n)).length),
    [0, 2, 1],
  );
});

test("a fleet of invented machines stays within the budget", () => {
  const logs = machineLogs({ lines: 1000, lineCharacters: 500, totalCharacters: 100_000 });
  const lines = Array.from({ length: 200 }, (_, n) => ({ atMs: 0, text: `${n} ${"x".repeat(100)}` }));
  for (let n = 0; n < 1000; n += 1) logs.add(id(n), lines);
  let characters = 0;
  for (let n = 0; n < 1000; n += 1) for (const { text } of logs.of(id(n))) characters += text.length;
  assert.ok(characters <= 100_000 && characters > 50_000, `${characters} characters`);
});
