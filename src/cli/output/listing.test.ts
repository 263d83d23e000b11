import assert from "node:assert/strict";
import { test } from "node:test";
import {
  countColumn,
  csvOf,
  formatsOf,
  inCsv,
  inWide,
  isoTime,
  type Listing,
  tableOf,
  textColumn,
  timeColumn,
} from "./listing.ts";

type Row = { readonly name: string; readonly paths?: number; readonly atMs?: number; readonly note?: string };

const listing: Listing<Row> = {
  named: "name",
  columns: [
    textColumn("name", ({ name }) => name),
    countColumn("paths", ({ paths }) => paths),
    timeColumn("imported", ({ atMs }) => atMs),
    textColumn("note", ({ note }) => note, inWide),
    textColumn("raw", ({ note }) => note, inCsv),
  ],
};
const rows: readonly Row[] = [
  { name: 'a,"b"', paths: 12_000, atMs: 1_800_000_000_000 },
  { name: "=HYPERLINK(1)", paths: -1, atMs: Number.MAX_VALUE },
];

test("CSV: a header always, plain numbers, times with their zone, nothing for nothing, quotes, no formula", () => {
  assert.equal(csvOf(listing, []), "name,paths,imported,note,raw\r\n");
  assert.equal(
    csvOf(listing, rows),
    `name,paths,imported,note,raw\r\n"a,""b""",12000,2027-01-15T08:00:00.000Z,,\r\n'=HYPERLINK(1),-1,,,\r\n`,
  );
  assert.equal(csvOf(listing, rows.slice(1), "no header"), "'=HYPERLINK(1),-1,,,\r\n");
});

test("tables: counts and local times for people; a wide one without the columns that no row has", () => {
  const nowMs = 1_800_000_000_000;
  const [titles = "", first = ""] = tableOf(listing, rows.slice(0, 1), { nowMs, width: 200 });
  assert.match(titles, /^NAME +PATHS +IMPORTED \(UTC.*\)$/);
  assert.match(first, /^a,"b" +12,000 +\d\d:\d\d:00$/);
  const wide = (note?: string) =>
    tableOf(listing, [{ name: "a", ...(note === undefined ? {} : { note }) }], { output: "wide", nowMs, width: 200 });
  assert.deepEqual(wide(), ["NAME", "a"]);
  assert.deepEqual(wide("b"), ["NAME  NOTE", "a     b"]);
});

test("a row without a name of its own has no -o name, and a time that no calendar has is none", () => {
  assert.deepEqual(
    [formatsOf(listing).includes("name"), formatsOf({}).includes("name"), isoTime(8.64e15 + 1)],
    [true, false, undefined],
  );
});
