import type { Command } from "commander";
import { formatCount } from "../../core/bytes/counted.ts";
import { writeCsv } from "../../core/export/csv.ts";
import { print, printLines, serverOptions } from "../api/server-options.ts";
import { printData } from "./data.ts";
import { formatTime, timeTitle } from "./figures.ts";
import { listFormats, type OutputFormat } from "./formats.ts";
import { formatTable } from "./table.ts";
import { warn } from "./warn.ts";
import { fitLines } from "./wrap.ts";

/** The formats in columns. */
type InColumns = "table" | "wide" | "csv";

/** A fact of the rows of a list. */
export type Column<Row> = {
  /** Its field in the header of CSV, which never changes; in upper case the title of its column. */
  readonly name: string;
  readonly title?: (nowMs: number) => string;
  /** For people; `-` is shown if a row has none. */
  readonly of: (row: Row, nowMs: number) => string | undefined;
  /** For programs, if they get something else: a plain number, a time in ISO 8601; empty if a row has none. */
  readonly value?: (row: Row) => string | number | boolean | undefined;
  /** The formats that have it; without it, all. */
  readonly in?: readonly InColumns[];
};

/** What a verb lists: its columns, in the order of all formats, and the one that names a row, for `-o name`. */
export type Listing<Row> = { readonly columns: readonly Column<Row>[]; readonly named?: string };

/** Formats of columns that are too much for the usual table; of those for people only; and of those for programs only. */
export const inWide: readonly InColumns[] = ["wide", "csv"];
export const inTable: readonly InColumns[] = ["table"];
export const inTables: readonly InColumns[] = ["table", "wide"];
export const inCsv: readonly InColumns[] = ["csv"];

/** A column with a text, the same for people and programs. */
export function textColumn<Row>(
  name: string,
  of: (row: Row) => string | undefined,
  formats?: readonly InColumns[],
): Column<Row> {
  return { name, of, ...(formats && { in: formats }) };
}

/** A column with a count: `12,000` for people, and 12000 for programs. */
export function countColumn<Row>(
  name: string,
  of: (row: Row) => number | undefined,
  formats?: readonly InColumns[],
): Column<Row> {
  const text = (row: Row) => {
    const count = of(row);
    return count === undefined ? undefined : formatCount(count);
  };
  return { name, of: text, value: of, ...(formats && { in: formats }) };
}

/** A column with a time: local for people, with its zone in the title, and in ISO 8601 and UTC for programs. */
export function timeColumn<Row>(
  name: string,
  of: (row: Row) => number | undefined,
  formats?: readonly InColumns[],
): Column<Row> {
  return {
    name,
    title: (nowMs) => timeTitle(nowMs, name.toUpperCase()),
    of: (row, nowMs) => {
      const atMs = of(row);
      return atMs === undefined ? undefined : formatTime(atMs, nowMs);
    },
    value: (row) => isoTime(of(row)),
    ...(formats && { in: formats }),
  };
}

/** The latest time of ECMAScript, in milliseconds. */
const latestMs = 8.64e15;

/** A time in milliseconds since 1970 as programs read it; empty without one, or if no calendar has it. */
export function isoTime(atMs: number | undefined): string | undefined {
  return atMs !== undefined && Math.abs(atMs) <= latestMs ? new Date(atMs).toISOString() : undefined;
}

/** What `-o` takes for a listing. */
export function formatsOf({ named }: Pick<Listing<never>, "named">): readonly OutputFormat[] {
  return listFormats.filter((format) => format !== "name" || named !== undefined);
}

/** Adds `--state`, the options for a server on another machine, and `-o` for a listing. */
export function listOptions(command: Command, listing: Pick<Listing<never>, "named">): Command {
  return serverOptions(command, formatsOf(listing));
}

/** What a verb found. */
export type Found<Row> = {
  readonly rows: readonly Row[];
  /** What JSON and YAML have; without it the rows. */
  readonly data?: unknown;
  /** What people get with `-o table` instead of columns. */
  readonly text?: () => readonly string[] | Promise<readonly string[]>;
  /** Lines for people below the columns. */
  readonly below?: readonly string[];
  /** What people are told if there is no row; without it, the text or the titles alone. */
  readonly none?: string;
};

/** Prints a list in the format that `-o` asks for. That there is nothing is said on standard error, so that programs read on. */
export async function printList<Row>(
  listing: Listing<Row>,
  found: Found<Row>,
  { output }: { readonly output: OutputFormat },
): Promise<void> {
  const { rows, data = rows, text, below = [], none } = found;
  if (await printData(data, { output })) return;
  if (rows.length === 0 && none !== undefined) warn(none);
  if (output === "csv") process.stdout.write(csvOf(listing, rows));
  else if (output === "name") printLines(namesOf(listing, rows));
  else {
    if (rows.length > 0 || none === undefined)
      printLines(output === "wide" || text === undefined ? tableOf(listing, rows, { output }) : await text());
    print(...fitLines(below, 4));
  }
}

/** The rows in columns for people. */
export function tableOf<Row>(
  { columns }: Listing<Row>,
  rows: readonly Row[],
  { output = "table", nowMs = Date.now(), width }: { output?: OutputFormat; nowMs?: number; width?: number } = {},
): string[] {
  const isWide = output === "wide";
  const all = columns.filter((column) => isIn(column, isWide ? "wide" : "table"));
  const cells = rows.map((row) => all.map(({ of }) => of(row, nowMs) || "-"));
  // A wide table has no room for columns in which no row has anything.
  const shown = all.flatMap((_, at) => (!isWide || cells.some((row) => row[at] !== "-") ? [at] : []));
  const titles = all.map(({ name, title }) => title?.(nowMs) ?? name.toUpperCase());
  return formatTable(
    shown.map((at) => titles[at] ?? ""),
    cells.map((row) => shown.map((at) => row[at] ?? "")),
    width,
  );
}

/** The rows as CSV, with a header even if there is none; rows that follow others come without it. */
export function csvOf<Row>({ columns }: Listing<Row>, rows: readonly Row[], follows?: "no header"): string {
  const shown = columns.filter((column) => isIn(column, "csv"));
  const cells = rows.map((row) => shown.map(({ of, value }) => cellOf(value === undefined ? of(row, 0) : value(row))));
  const header = shown.map(({ name }) => name);
  return [...writeCsv(header, cells)].slice(follows === undefined ? 0 : 1).join("");
}

function cellOf(value: string | number | boolean | undefined): string | number {
  return typeof value === "boolean" ? String(value) : (value ?? "");
}

/** The name of each row. */
function namesOf<Row>({ columns, named }: Listing<Row>, rows: readonly Row[]): string[] {
  const column = columns.find(({ name }) => name === named);
  return rows.flatMap((row) => column?.of(row, 0) || []);
}

/** Whether a format has a column. */
export function isIn<Row>({ in: formats }: Column<Row>, format: InColumns): boolean {
  return formats === undefined || formats.includes(format);
}
