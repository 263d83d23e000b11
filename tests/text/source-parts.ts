/** A string literal, the text of a template between its `${…}`, or a comment, and the number of its line, from 1. */
export type SourceText = { readonly line: number; readonly text: string };

/** A TypeScript source taken apart: its string literals, its comments, and the code without both. */
export type SourceParts = {
  readonly literals: readonly SourceText[];
  readonly comments: readonly SourceText[];
  readonly code: readonly SourceText[];
};

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

/** Takes a TypeScript source apart. Escapes stay as they are written; regular expressions are in none of the parts. */
export function sourceParts(source: string): SourceParts {
  const parts = { literals: [] as SourceText[], comments: [] as SourceText[], code: [] as SourceText[] };
  const add = (part: SourceText[], text: string, offset: number) => {
    if (text.trim() !== "") part.push({ line: source.slice(0, offset).split("\n").length, text });
  };
  /** For each open template the count of braces that its current `${` has open. */
  const templates: number[] = [];
  let at = 0;
  while (at < source.length) {
    token.lastIndex = at;
    const match = token.exec(source);
    add(parts.code, source.slice(at, match?.index), at);
    if (match === null) break;
    at = token.lastIndex;
    const { comment, string, mark } = match.groups ?? {};
    if (comment !== undefined) add(parts.comments, comment, match.index);
    if (string !== undefined) add(parts.literals, string.slice(1, -1), match.index);
    const depth = templates.at(-1);
    if (mark === "{" && depth !== undefined) templates[templates.length - 1] = depth + 1;
    if (mark === "}" && depth !== undefined && depth > 0) templates[templates.length - 1] = depth - 1;
    const begins = mark === "`";
    const resumes = mark === "}" && depth === 0;
    if (begins) templates.push(0);
    if (begins || resumes) at = templateText(at);
  }
  return parts;

  /** Takes a template's text from an offset to its next `${` or its end; gives where the code goes on. */
  function templateText(from: number): number {
    const end = /(?<!\\)(?:\\\\)*(?:`|\$\{)/g;
    end.lastIndex = from;
    const match = end.exec(source);
    const stop = match === null ? source.length : end.lastIndex;
    const closes = source[stop - 1] === "`";
    add(parts.literals, source.slice(from, stop - (closes ? 1 : 2)), from);
    if (closes) templates.pop();
    return stop;
  }
}
