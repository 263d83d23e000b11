import assert from "node:assert/strict";
import { test } from "node:test";
import { Command } from "commander";
import { countColumn, inTables, type Listing, textColumn } from "./listing.ts";
import { chosenRows, rowOptions } from "./row-options.ts";

type Rack = { readonly rack?: string; readonly up: number; readonly lags?: boolean };
const listing: Listing<Rack> = {
  columns: [
    textColumn("rack", ({ rack }) => rack),
    countColumn("up", ({ up }) => up),
    { name: "lags", of: ({ lags }) => (lags ? "LAGS" : undefined), value: ({ lags }) => lags ?? false },
    { name: "shown", of: () => "for people", in: inTables },
  ],
};
const racks: readonly Rack[] = [
  { rack: "r10", up: 1200, lags: true },
  { up: 7 },
  { rack: "r9", up: 40 },
  { rack: "r2", up: 5 },
];
const up = (options: Parameters<typeof chosenRows>[2]) => chosenRows(listing, racks, options).map((one) => one.up);

test("rows by a column: numbers by size, names in natural order, those without a value last", () => {
  assert.deepEqual(up({}), [1200, 7, 40, 5]);
  assert.deepEqual(up({ sort: "up" }), [5, 7, 40, 1200]);
  assert.deepEqual(up({ sort: "-up", limit: 2 }), [1200, 40]);
  assert.deepEqual(up({ sort: "rack" }), [5, 40, 1200, 7]);
  assert.deepEqual(up({ sort: "-rack" }), [1200, 40, 5, 7]);
  assert.equal(up({ sort: "-lags" })[0], 1200);
});

test("a column that no program gets is a misuse that names the others, before a server is asked", () => {
  const command = rowOptions(new Command(), listing, "racks").exitOverride().action(assert.fail);
  for (const by of ["shown", "nothing", "--up"])
    assert.throws(
      () => command.parse(["node", "birther", `--sort=${by}`]),
      /--sort: expected one of rack, up, lags, found (shown|nothing|-up)/,
    );
  const { argChoices } = command.options.find(({ long }) => long === "--sort") ?? {};
  assert.deepEqual(argChoices, ["rack", "up", "lags"]);
});
