import { bannedPhrases } from "./banned-phrases.ts";

const mostColumns = 100;
const mostCellColumns = 80;

/** A fault in a text, and the number of its line, from 1. */
export type TextFault = { readonly line: number; readonly text: string };

type Line = { readonly number: number; readonly text: string; readonly kind: "prose" | "table" | "code" };

/**
 * The faults of a Markdown file: prose lines over 100 columns, table cells over 80, banned phrases. Code, table rows
 * and lines that cannot be wrapped (a long URL or path) may be longer.
 */
export function markdownFaults(source: string): readonly TextFault[] {
  const lines = classifyLines(source);
  return [
    ...lines.flatMap(widthFaults),
    ...paragraphs(lines).flatMap(({ number, text }) =>
      bannedPhrases(text).map((fault) => ({ line: number, text: fault })),
    ),
  ].sort((a, b) => a.line - b.line);
}

function classifyLines(source: string): readonly Line[] {
  let fenced = false;
  return source.split("\n").map((text, index): Line => {
    const number = index + 1;
    const isFence = /^\s*(```|~~~)/.test(text);
    if (isFence) fenced = !fenced;
    if (isFence || fenced || /^ {4}/.test(text)) return { number, text, kind: "code" };
    return { number, text, kind: /^\s*\|/.test(text) ? "table" : "prose" };
  });
}

function widthFaults({ number, text, kind }: Line): readonly TextFault[] {
  const columns = [...text].length;
  if (kind === "prose" && columns > mostColumns && isWrappable(text)) {
    return [{ line: number, text: `expected at most ${mostColumns} columns, found ${columns}` }];
  }
  if (kind !== "table") return [];
  return cells(text)
    .map((cell) => [...cell].length)
    .filter((length) => length > mostCellColumns)
    .map((length) => ({
      line: number,
      text: `expected table cells of at most ${mostCellColumns} characters (prose belongs in a paragraph), found ${length}`,
    }));
}

/** A line can be wrapped if there is a blank, after its indentation or list mark, within the limit. */
function isWrappable(text: string): boolean {
  const words = text.replace(/^\s*([-*] |\d+\. )?/, "");
  const indentation = text.length - words.length;
  return [...words].slice(0, mostColumns + 1 - indentation).includes(" ");
}

/** The cells of a table row; `\|` does not end one. */
function cells(row: string): readonly string[] {
  return row
    .trim()
    .replace(/^\||\|$/g, "")
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());
}

/** Lines of prose put together, as a phrase may be broken between two of them; each numbered by its first line. */
function paragraphs(lines: readonly Line[]): readonly Line[] {
  const found: Line[] = [];
  let open: Line | undefined;
  for (const line of lines) {
    const last = open;
    const joins = last !== undefined && last.kind === "prose" && line.kind === "prose" && line.text.trim() !== "";
    if (joins) {
      open = { ...last, text: `${last.text} ${line.text}` };
      found[found.length - 1] = open;
    } else {
      open = line.text.trim() === "" ? undefined : line;
      if (open !== undefined && open.kind !== "code") found.push(open);
      if (open?.kind === "code") open = undefined;
    }
  }
  return found;
}
