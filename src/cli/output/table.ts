/**
 * Columns under their titles, two spaces apart. The last column is truncated to the width of the terminal; in a pipe or
 * file it is whole.
 */
export function formatTable(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  width = process.stdout.columns ?? Number.POSITIVE_INFINITY,
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
