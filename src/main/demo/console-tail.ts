import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** Enough for a screenful of text, including escape sequences. */
const readBytes = 16 * 1024;

// biome-ignore lint/suspicious/noControlCharactersInRegex: terminals interpret these as commands (ECMA-48: CSI, two-byte escapes)
const escapes = /\x1b\[[0-?]*[ -/]*[@-~]|\x1b[ -/]*[0-~]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: firmware sends bells and backspaces too
const controls = /[\x00-\x08\x0b-\x1f\x7f]+/g;

/** The last non-blank lines that a machine wrote to its console, as plain text. */
export function lastLines(console: string, lines: number): readonly string[] {
  return console
    .replaceAll("\r", "\n")
    .replace(escapes, " ")
    .replace(controls, "")
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line.trim() !== "")
    .slice(-lines);
}

/** `lastLines` of a console log, which may be long; empty if the log cannot be read. */
export function consoleTail(path: string, lines: number): readonly string[] {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch {
    return [];
  }
  try {
    const bytes = Buffer.alloc(readBytes);
    const start = Math.max(0, fstatSync(file).size - readBytes);
    return lastLines(bytes.toString("utf8", 0, readSync(file, bytes, 0, readBytes, start)), lines);
  } finally {
    closeSync(file);
  }
}
