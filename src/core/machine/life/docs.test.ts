import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { transitionText } from "./describe.ts";
import { lifeDocs } from "./docs.ts";
import { life } from "./table.ts";

test("docs/machine-life.md matches the code (else run ./birther config life > docs/machine-life.md)", () => {
  const file = new URL("../../../../docs/machine-life.md", import.meta.url);
  assert.equal(readFileSync(file, "utf8"), lifeDocs());
});

test("each transition of the table has a text, and no text is unused", () => {
  const transitions = new Set(Object.values(life).flatMap((row) => Object.values(row).map(({ name }) => name)));
  assert.deepEqual([...transitions].sort(), Object.keys(transitionText).sort());
});
