import assert from "node:assert/strict";
import { test } from "node:test";
import { rowsAsCsv } from "./rows-as-csv.ts";

test("a spreadsheet computes nothing that a machine said, and a cell stays one cell", () => {
  const row = {
    id: "m-1",
    name: '=HYPERLINK("https://evil.example")',
    status: "failing",
    conditions: 2,
    progress: { what: "burnIn", done: 2, total: 5 },
    network: 'a,b\n"c',
  } as const;
  const [head, line, rest] = rowsAsCsv([row]).split("\r\n");
  assert.equal(head, "name,id,rack,unit,status,phase,since,progress,conditions,image,model,network");
  assert.equal(
    line,
    `"'=HYPERLINK(""https://evil.example"")",m-1,,,failing,,,burn-in 2 of 5 tests,failing,,,"a,b\n""c"`,
  );
  assert.equal(rest, "");
});
