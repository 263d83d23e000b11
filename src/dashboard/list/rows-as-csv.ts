import { type Row, rowName, sinceOf, worstCondition } from "../data/row.ts";

const columns: readonly (readonly [string, (row: Row) => string])[] = [
  ["name", rowName],
  ["id", ({ id }) => id],
  ["rack", ({ location }) => location?.rack ?? ""],
  ["unit", ({ location }) => location?.unit ?? ""],
  ["switch", ({ location }) => location?.switch ?? ""],
  ["port", ({ location }) => location?.port ?? ""],
  ["state", ({ state }) => state],
  ["phase", ({ phase }) => phase ?? ""],
  ["since", (row) => new Date(sinceOf(row)).toISOString()],
  ["condition", (row) => worstCondition(row)?.kind ?? ""],
  ["reason", (row) => worstCondition(row)?.reason ?? ""],
  ["image", ({ runningImage, requiredImage }) => runningImage ?? requiredImage ?? ""],
  ["address", ({ permanentAddress, temporaryAddress }) => permanentAddress ?? temporaryAddress ?? ""],
  ["mac", ({ macs }) => macs.join(" ")],
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
