import { plainText } from "../../core/bytes/plain-text.ts";
import { fitLines } from "./wrap.ts";

/** Where lines that are longer than the terminal go on. */
const indent = 2;

/** Writes lines for people to standard error: wrapped to its terminal, which obeys nothing in them, whatever a machine sent. */
export function warn(...texts: readonly string[]): void {
  const width = process.stderr.columns ?? Number.POSITIVE_INFINITY;
  const lines = texts.flatMap((text) => text.split("\n")).map(plainText);
  process.stderr.write(`${fitLines(lines, indent, width).join("\n")}\n`);
}
