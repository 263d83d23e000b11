import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatTable } from "./table.ts";

const titles = ["NAME", "REASON"];
const rows = [["r01u07", "waits for the switch to speak LLDP"]];

test("the last column is wrapped to the width of a terminal, and one line without one", () => {
  assert.deepEqual(formatTable(titles, rows, 32), [
    "NAME    REASON",
    "r01u07  waits for the switch to",
    "        speak LLDP",
  ]);
  assert.deepEqual(formatTable(titles, rows, Number.POSITIVE_INFINITY), [
    "NAME    REASON",
    "r01u07  waits for the switch to speak LLDP",
  ]);
});

test("where the other columns leave no room, the last one goes below its row", () => {
  assert.deepEqual(formatTable(titles, rows, 24), [
    "NAME    REASON",
    "r01u07",
    "    waits for the switch",
    "    to speak LLDP",
  ]);
});

test("whatever the texts and the width, no word is lost", () => {
  const word = fc.stringMatching(/^[a-z]{1,30}$/);
  const cell = fc.array(word, { minLength: 1, maxLength: 12 }).map((words) => words.join(" "));
  fc.assert(
    fc.property(fc.array(fc.tuple(word, cell), { minLength: 1 }), fc.integer({ min: 1, max: 120 }), (table, width) => {
      const text = formatTable(["A", "B"], table, width).slice(1).join("").replaceAll(" ", "");
      assert.equal(text, table.flat().join("").replaceAll(" ", ""));
    }),
  );
});

test("columns that are wider than the terminal become blocks: no line is longer, and nothing is lost", () => {
  const titles = ["NAME", "MAC", "BOARD SERIAL", "NOTE"];
  const row = [
    "r01u01",
    "02:00:00:00:00:01 02:00:00:00:00:02",
    "S1-1",
    "a note that is longer than the terminal is wide",
  ];
  assert.deepEqual(formatTable(titles, [row, ["r01u02", "-", "", "x"]], 40), [
    "r01u01",
    "    mac 02:00:00:00:00:01",
    "    02:00:00:00:00:02",
    "    board serial S1-1",
    "    note a note that is longer than the",
    "    terminal is wide",
    "r01u02",
    "    note x",
  ]);
});
