/** A string literal, or the text of a template between its `${…}`, and the number of its line, from 1. */
export type Literal = { readonly line: number; readonly text: string };

/** Tokens in which a quote may stand. A slash begins a regular expression after these characters only, as in most lexers. */
const token = new RegExp(
  [
    String.raw`(?<comment>\/\/[^\n]*|\/\*[\s\S]*?\*\/)`,
    String.raw`(?<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')`,
    String.raw`(?<regex>(?<=(?:^|[=(,:;!&|?{}\[]|return|=>)\s*)\/(?![*\/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^\/\\\n\[])+\/[dgimsuvy]*)`,
    String.raw`(?<mark>[\x60{}])`,
  ].join("|"),
  "g",
);

/**
 * The string literals of a TypeScript source: what stands in quotes and templates, without comments, code and regular
 * expressions. Escapes stay as they are written.
 */
export function stringLiterals(source: string): readonly Literal[] {
  const found: Literal[] = [];
  const add = (text: string, offset: number) => {
    if (text !== "") found.push({ line: source.slice(0, offset).split("\n").length, text });
  };
  /** For each open template the count of braces that its current `${` has open. */
  const templates: number[] = [];
  let at = 0;
  while (at < source.length) {
    token.lastIndex = at;
    const match = token.exec(source);
    if (match === null) break;
    at = token.lastIndex;
    const { string, mark } = match.groups ?? {};
    if (string !== undefined) add(string.slice(1, -1), match.index);
    const depth = templates.at(-1);
    if (mark === "{" && depth !== undefined) templates[templates.length - 1] = depth + 1;
    if (mark === "}" && depth !== undefined && depth > 0) templates[templates.length - 1] = depth - 1;
    const begins = mark === "`";
    const resumes = mark === "}" && depth === 0;
    if (begins) templates.push(0);
    if (begins || resumes) at = templateText(at);
  }
  return found;

  /** Takes a template's text from an offset to its next `${` or its end; gives where the code goes on. */
  function templateText(from: number): number {
    const end = /(?<!\\)(?:\\\\)*(?:`|\$\{)/g;
    end.lastIndex = from;
    const match = end.exec(source);
    const stop = match === null ? source.length : end.lastIndex;
    const closes = source[stop - 1] === "`";
    add(source.slice(from, stop - (closes ? 1 : 2)), from);
    if (closes) templates.pop();
    return stop;
  }
}
