import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** Enough for a screenful, whatever escape sequences are in it. */
const readBytes = 16 * 1024;

// biome-ignore lint/suspicious/noControlCharactersInRegex: what terminals take for commands (ECMA-48: CSI, two-byte escapes)
const escapes = /\x1b\[[0-?]*[ -/]*[@-~]|\x1b[ -/]*[0-~]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: firmware sends bells and backspaces too
const controls = /[\x00-\x08\x0b-\x1f\x7f]+/g;

/** The last lines with words in them that a machine wrote to its console, as plain text. */
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

/** `lastWords` of a console log, which may be long; empty where it cannot be read. */
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
