/** The width of the terminal; without one, such as in a pipe, nothing is wrapped or cut. */
export function outputWidth(): number {
  return process.stdout.columns ?? Number.POSITIVE_INFINITY;
}

/** A text in lines of at most this width, broken at spaces; a word that is longer is broken where the line ends. */
export function wrapText(text: string, width: number): string[] {
  if (text.length <= width) return [text];
  const lines: string[] = [];
  let rest = text;
  while (rest.length > width) {
    const space = rest.lastIndexOf(" ", width);
    const end = space > 0 ? space : Math.max(1, width);
    lines.push(rest.slice(0, end));
    rest = rest.slice(space > 0 ? end + 1 : end);
  }
  return [...lines, rest];
}

/** A text with a hanging indent: the lines after the first begin `indent` spaces to the right. */
export function wrapHanging(text: string, { width, indent }: { readonly width: number; readonly indent: number }) {
  const [first = "", ...others] = wrapText(text, width);
  if (others.length === 0) return [first];
  const rest = text.slice(first.length).trimStart();
  return [first, ...wrapText(rest, Math.max(16, width - indent)).map((line) => " ".repeat(indent) + line)];
}

/** Lines as the terminal has room for them; what a line continues with begins `indent` spaces to the right. */
export function fitLines(lines: readonly string[], indent: number, width = outputWidth()): string[] {
  return lines.flatMap((line) => wrapHanging(line, { width, indent }));
}
