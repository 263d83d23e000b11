import { outputWidth, wrapText } from "./wrap.ts";

/** A last column narrower than this goes below its row instead. */
const leastLastWidth = 24;
const belowIndent = 4;

/**
 * Columns under their titles, two spaces apart. What does not fit in the terminal is wrapped, never cut: the last column
 * within itself, or below its row where the others leave too little room. In a pipe or file each row is one line.
 */
export function formatTable(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  width = outputWidth(),
): string[] {
  const all = [titles, ...rows];
  const widths = titles.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const last = titles.length - 1;
  const before = widths.slice(0, -1).reduce((sum, one) => sum + one + 2, 0);
  const isBelow = width - before < Math.min(leastLastWidth, widths[last] ?? 0);
  return all.flatMap((row, at) => {
    const head = row.slice(0, last).map((cell, column) => cell.padEnd(widths[column] ?? 0));
    const cell = row[last] ?? "";
    if (!isBelow || cell.length <= width - before) return beside(head.join("  "), cell, { width, before });
    const below = wrapText(cell, Math.max(16, width - belowIndent)).map((line) => " ".repeat(belowIndent) + line);
    // The title of a column below its rows would be read as one of them.
    return at === 0 ? [head.join("  ").trimEnd()] : [head.join("  ").trimEnd(), ...below];
  });
}

function beside(head: string, cell: string, { width, before }: { width: number; before: number }): string[] {
  const [first = "", ...more] = wrapText(cell, Math.max(1, width - before));
  const start = head === "" ? first : `${head}  ${first}`;
  return [start.trimEnd(), ...more.map((line) => " ".repeat(before) + line)];
}
