/** Columns under their titles, two spaces apart. On a narrow terminal the last column is truncated. */
export function formatTable(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  width = process.stdout.columns ?? 120,
): string[] {
  const all = [titles, ...rows];
  const widths = titles.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const before = widths.slice(0, -1).reduce((sum, one) => sum + one + 2, 0);
  const lastWidth = Math.max(8, width - before);
  return all.map((row) =>
    row
      .map((cell, column) => (column === titles.length - 1 ? cut(cell, lastWidth) : cell.padEnd(widths[column] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}
