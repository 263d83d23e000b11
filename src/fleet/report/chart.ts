import { formatTime } from "./format.ts";
import type { Summary } from "./summary.ts";

const rows = 10;
/** Eighths of a cell, from empty to full. */
const blocks = " ▁▂▃▄▅▆▇█";

/** How many machines were up over time, as block characters. */
export function chart({ over, machines, endMs }: Summary, columns: number): readonly string[] {
  const counts = over.reached.find(({ phase }) => phase === "up")?.counts ?? [];
  const label = String(machines).length;
  const width = Math.max(20, Math.min(columns, 160) - label - 2);
  const heights = Array.from({ length: width }, (_, at) => {
    const count = counts[Math.round((at / (width - 1)) * (counts.length - 1))] ?? 0;
    return Math.round((count / Math.max(1, machines)) * rows * 8);
  });
  const lines = Array.from({ length: rows }, (_, row) => {
    const below = (rows - 1 - row) * 8;
    const title = row === 0 ? String(machines) : row === rows - 1 ? "0" : "";
    const cells = heights.map((height) => blocks[Math.max(0, Math.min(8, height - below))]).join("");
    return `${title.padStart(label)} ${cells}`.trimEnd();
  });
  const end = formatTime(endMs);
  const middle = formatTime(endMs / 2);
  const half = Math.floor(width / 2);
  const axis = `0${middle.padStart(half - 1 + Math.floor(middle.length / 2))}`;
  return [...lines, `${" ".repeat(label + 1)}${axis}${end.padStart(width - axis.length)}`];
}
