import { AssertionError } from "node:assert";
import { inspect, stripVTControlCharacters } from "node:util";

const messageLines = 7;
const outerLines = 3;
const lineLength = 160;

/**
 * What a failure says in at most a dozen lines: the innermost cause with its first line of our own code, because outer
 * errors often carry a whole console; of those, the last lines.
 */
export function excerptOf(thrown: unknown): string {
  const chain = chainOf(thrown);
  const inner = chain.at(-1);
  const outer = chain.slice(0, -1).filter((error) => error instanceof Error);
  const lines = [
    ...shortened(linesOf(messageOf(inner))),
    ...comparedBy(inner),
    ...ownLine(chain),
    ...outer.slice(0, 1).flatMap(({ message }) => linesOf(message).slice(-outerLines)),
  ];
  return lines.map((line) => (line.length > lineLength ? `${line.slice(0, lineLength)}…` : line)).join("\n");
}

/** An error and its causes, the innermost last. */
function chainOf(thrown: unknown): readonly unknown[] {
  const chain = [thrown];
  for (let at = thrown; at instanceof Error && at.cause !== undefined && chain.length < 10; at = at.cause)
    chain.push(at.cause);
  return chain;
}

const messageOf = (thrown: unknown): string =>
  thrown instanceof Error
    ? `${thrown.name}: ${thrown.message}`
    : typeof thrown === "string"
      ? thrown
      : inspect(thrown, { breakLength: lineLength });

const linesOf = (text: string): readonly string[] =>
  stripVTControlCharacters(text)
    .split("\n")
    .filter((line) => line.trim() !== "");

/** Of a long message the first lines; of a long difference the lines that differ. */
function shortened(lines: readonly string[]): readonly string[] {
  const [first = "", ...rest] = lines;
  const differing = rest.filter((line) => /^[+-] /.test(line));
  return [first, ...(rest.length >= messageLines && differing.length > 1 ? differing : rest)].slice(0, messageLines);
}

/** Both values of an assertion whose message does not show them, because the test has one of its own. */
function comparedBy(thrown: unknown): readonly string[] {
  if (!(thrown instanceof AssertionError) || thrown.generatedMessage) return [];
  const shown = (value: unknown) => inspect(value, { breakLength: Number.POSITIVE_INFINITY, depth: 3 });
  return [`expected ${shown(thrown.expected)}`, `found ${shown(thrown.actual)}`];
}

/** The first line of a stack that lies in our own code, of the innermost error that has one. */
function ownLine(chain: readonly unknown[]): readonly string[] {
  for (const error of chain.toReversed()) {
    const stack = error instanceof Error ? (error.stack ?? "") : "";
    const line = stack
      .split("\n")
      .find((each) => /^\s+at .*\/(src|tests)\//.test(each) && !each.includes("node_modules"));
    if (line !== undefined) return [line.trim().replaceAll(`${process.cwd()}/`, "").replace("file://", "")];
  }
  return [];
}
