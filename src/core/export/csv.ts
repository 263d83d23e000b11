/** A table as CSV (RFC 4180) in parts, a line each: a header line, then the rows, each ended by CRLF; a field is quoted where it must be. */
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
