import { plainText } from "../bytes/plain-text.ts";

/**
 * A table as CSV (RFC 4180) in parts, one line per part: a header, then the rows, each ended by CRLF; fields are quoted
 * if necessary.
 */
export function* writeCsv(
  columns: readonly string[],
  rows: Iterable<readonly (string | number)[]>,
): Generator<string, void, undefined> {
  yield `${columns.join(",")}\r\n`;
  for (const row of rows) yield `${row.map(field).join(",")}\r\n`;
}

/** What a spreadsheet takes for a formula (OWASP, CSV Injection). */
const formula = /^[=+\-@\t\r]/;

/** A text that begins like a formula gets an apostrophe, which spreadsheets take for the mark of a text. */
function field(value: string | number): string {
  if (typeof value === "number") return String(value);
  const text = `${formula.test(value) ? "'" : ""}${plainText(value)}`;
  return /[",]|^\s|\s$/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}
