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

function field(value: string | number): string {
  const text = String(value);
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}
