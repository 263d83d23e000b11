/** The width of prose in the project's Markdown files. */
const columns = 100;

/** Wraps one line of Markdown at 100 columns; `indent` starts each line after the first. A word is never broken. */
export function wrapLine(text: string, indent: string): readonly string[] {
  const lines: string[] = [];
  let line = /^ */.exec(text)?.[0] ?? "";
  let isEmpty = true;
  for (const word of text.trim().split(/ +/)) {
    if (!isEmpty && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = indent;
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line];
}
