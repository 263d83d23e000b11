import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { yamlOf } from "./data.ts";

const values: readonly unknown[] = [
  [],
  {},
  null,
  "",
  "yes",
  "0123",
  "1e3",
  "- a: b # c",
  " leading and trailing ",
  "two\nlines\n",
  "\u001b[31mred\u0007\u009b2J",
  "tab\tand\u202eright to left",
  { "a: b": [1, -0.5, true, { deep: ["x", "x"] }], same: "x".repeat(300) },
  [{ id: "m-1" }, { id: "m-1" }],
];

for (const value of values)
  test(`YAML of ${JSON.stringify(value)?.slice(0, 60)} reads as the same, and no terminal obeys it`, async () => {
    const yaml = await yamlOf(value);
    assert.deepEqual(parse(yaml), value);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there.
    assert.doesNotMatch(yaml, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  });

test("what is the same object twice is no alias, and what is undefined is not there", async () => {
  const one = { id: 1, none: undefined };
  assert.deepEqual(await yamlOf([one, one]), "- id: 1\n- id: 1\n");
});
