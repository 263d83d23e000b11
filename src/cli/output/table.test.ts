import assert from "node:assert/strict";
import { test } from "node:test";
import { formatTable } from "./table.ts";

const titles = ["NAME", "REASON"];
const rows = [["r01u07", "waits for the switch to speak LLDP"]];

test("the last column is truncated to the width of a terminal, and whole without one", () => {
  assert.deepEqual(formatTable(titles, rows, 20), ["NAME    REASON", "r01u07  waits for t…"]);
  assert.deepEqual(formatTable(titles, rows, Number.POSITIVE_INFINITY), [
    "NAME    REASON",
    "r01u07  waits for the switch to speak LLDP",
  ]);
});

test("a terminal that is too narrow keeps eight characters of the last column", () => {
  assert.deepEqual(formatTable(titles, rows, 5), ["NAME    REASON", "r01u07  waits f…"]);
});
