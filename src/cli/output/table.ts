import { outputWidth, wrapText } from "./wrap.ts";

/** A last column narrower than this goes below its row instead. */
const leastLastWidth = 24;
const belowIndent = 4;

/**
 * Columns under their titles, two spaces apart. What does not fit in the terminal is wrapped, never cut: the last column
 * within itself, or below its row where the others leave too little room. Where the columns before it are wider than the
 * terminal, each row is a block: its first cell, and below it the others after their titles. In a pipe or file each row is one
 * line.
 */
export function formatTable(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  width = outputWidth(),
): string[] {
  const all = [titles, ...rows];
  const widths = titles.map((_, column) => all.reduce((most, row) => Math.max(most, row[column]?.length ?? 0), 0));
  const last = titles.length - 1;
  const before = widths.slice(0, -1).reduce((sum, one) => sum + one + 2, 0);
  if (before > width && titles.length > 2) return rows.flatMap((row) => blockOf(titles, row, width));
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

/** A row whose columns are wider than the terminal: its first cell, and below it each other one after its title. */
function blockOf(titles: readonly string[], row: readonly string[], width: number): string[] {
  const [head = "", ...cells] = row;
  const lines: string[] = [];
  let line = "";
  for (const [at, cell] of cells.entries()) {
    if (cell === "" || cell === "-") continue;
    const piece = `${labelOf(titles[at + 1] ?? "")} ${cell}`;
    if (line !== "" && belowIndent + line.length + 2 + piece.length > width) {
      lines.push(line);
      line = "";
    }
    line += line === "" ? piece : `  ${piece}`;
  }
  const all = line === "" ? lines : [...lines, line];
  const fitted = all.flatMap((one) => wrapText(one, Math.max(16, width - belowIndent)));
  return [head, ...fitted.map((one) => " ".repeat(belowIndent) + one)];
}

/** A title within a line: in lower case, but for the zone of a time. */
function labelOf(title: string): string {
  return title.replace(/\(UTC.*\)$|[^(]+|\(/g, (part) => (part.startsWith("(UTC") ? part : part.toLowerCase()));
}

function beside(head: string, cell: string, { width, before }: { width: number; before: number }): string[] {
  const [first = "", ...more] = wrapText(cell, Math.max(1, width - before));
  const start = head === "" ? first : `${head}  ${first}`;
  return [start.trimEnd(), ...more.map((line) => " ".repeat(before) + line)];
}
