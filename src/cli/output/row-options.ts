import { type Command, Option } from "commander";
import { compareNatural } from "../../core/fleet/racks.ts";
import { failure } from "../api/failure.ts";
import { limitOption } from "./limit.ts";
import { type Column, isIn, type Listing } from "./listing.ts";

/** What `--sort` and `--limit` say. */
export type RowOptions = { readonly sort?: string; readonly limit?: number };

/** Adds `--sort` by a column and `--limit`, for a list of these `things` that comes whole from the server. */
export function rowOptions<Row>(command: Command, listing: Listing<Row>, things: string): Command {
  const option = new Option("--sort <column>", "sort by a column of CSV; --sort=-COLUMN reverses").argParser((by) => {
    columnOf(listing, by);
    return by;
  });
  option.argChoices = sortable(listing).map(({ name }) => name);
  return command.addOption(option).addOption(limitOption(things, `print at most this number of ${things}`));
}

/** The rows that are asked for, in the order that is asked for; without a word, that of the server. */
export function chosenRows<Row>(
  listing: Listing<Row>,
  rows: readonly Row[],
  { sort, limit }: RowOptions,
): readonly Row[] {
  return (sort === undefined ? rows : sortByColumn(listing, rows, sort)).slice(0, limit);
}

function sortByColumn<Row>(listing: Listing<Row>, rows: readonly Row[], by: string): Row[] {
  const { of, value } = columnOf(listing, by);
  return sortRows(rows, (row) => (value === undefined ? of(row, 0) : value(row)), by.startsWith("-"));
}

/** Rows by a key: numbers by size, texts in natural order. Those without a key come last, also in the reversed order. */
export function sortRows<Row>(
  rows: readonly Row[],
  keyOf: (row: Row) => string | number | boolean | undefined,
  isReversed: boolean,
): Row[] {
  const keyed = rows.map((row) => ({ row, key: keyOf(row) }));
  const hasKey = ({ key }: (typeof keyed)[number]) => key !== undefined && key !== "";
  const sorted = keyed.filter(hasKey).sort((a, b) => compareKeys(a.key, b.key) * (isReversed ? -1 : 1));
  return [...sorted, ...keyed.filter((each) => !hasKey(each))].map(({ row }) => row);
}

function compareKeys(a: string | number | boolean | undefined, b: string | number | boolean | undefined): number {
  return typeof a === "number" && typeof b === "number" ? a - b : compareNatural(String(a), String(b));
}

/** Columns that programs get: each has one value, and a name that stays. */
function sortable<Row>({ columns }: Listing<Row>): readonly Column<Row>[] {
  return columns.filter((column) => isIn(column, "csv"));
}

function columnOf<Row>(listing: Listing<Row>, by: string): Column<Row> {
  const name = by.replace(/^-/, "");
  const columns = sortable(listing);
  const found = columns.find((column) => column.name === name);
  if (found !== undefined) return found;
  throw failure("misused", `--sort: expected one of ${columns.map((column) => column.name).join(", ")}, found ${name}`);
}
