import { describeProgress } from "../../core/machine/work-progress.ts";
import { conditionsOf, type Row } from "../data/row.ts";

const columns: readonly (readonly [string, (row: Row) => string])[] = [
  ["name", ({ name }) => name],
  ["id", ({ id }) => id],
  ["rack", ({ rack }) => rack ?? ""],
  ["unit", ({ unit }) => unit ?? ""],
  ["status", ({ status }) => status],
  ["phase", ({ phase }) => phase ?? ""],
  ["since", ({ phaseAtMs }) => (phaseAtMs === undefined ? "" : new Date(phaseAtMs).toISOString())],
  ["progress", ({ progress }) => (progress === undefined ? "" : describeProgress(progress))],
  ["conditions", (row) => conditionsOf(row).join(" ")],
  ["image", ({ image }) => image ?? ""],
  ["model", ({ model }) => model ?? ""],
  ["network", ({ network }) => network ?? ""],
];

/** Rows as CSV (RFC 4180). */
export function rowsAsCsv(rows: readonly Row[]): string {
  const lines = rows.map((row) => columns.map(([, of]) => cell(of(row))).join(","));
  return `${[columns.map(([name]) => name).join(","), ...lines].join("\r\n")}\r\n`;
}

/** A spreadsheet computes what begins with these characters: what a machine says must stay text. */
function cell(text: string): string {
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
