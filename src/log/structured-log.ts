import { escapeCommands, plainText } from "../core/bytes/plain-text.ts";
import type { Log, LogLevel } from "../core/ports.ts";
import { causes } from "./causes.ts";
import { openLineWriter } from "./line-writer.ts";

const ranks: { readonly [L in LogLevel]: number } = { debug: 0, info: 1, warn: 2, error: 3 };

/**
 * A log on standard error, from level `least` on: text lines for people, or one JSON object per line. Warnings and
 * errors are written at once, after all pending lines; other lines by the end of the turn of the event loop, because a
 * busy server takes many turns.
 */
export function openLog({ json, least }: { readonly json: boolean; readonly least: LogLevel }): Log {
  const format = json ? jsonLine : textLine;
  // Accessing the stream makes a pipe non-blocking: a hanging reader must not stop the server.
  const writer = openLineWriter(process.stderr.fd, (lines) =>
    format("warn", "log lines were lost because the reader of standard error was too slow or gone", { lines }),
  );
  return (level, message, facts = {}) => {
    if (ranks[level] < ranks[least]) return;
    writer.write(format(level, message, facts));
    if (ranks[level] >= ranks.warn) writer.flush();
  };
}

type Facts = { readonly [name: string]: unknown };

const timeOfDay = onceIn(1000, (nowMs) => new Date(nowMs).toTimeString().slice(0, 8));
const wholeTime = onceIn(1, (nowMs) => new Date(nowMs).toISOString());

/** A text of the time, made anew only when a new period begins. */
function onceIn(periodMs: number, format: (nowMs: number) => string): () => string {
  let [period, text] = [Number.NaN, ""];
  return () => {
    const nowMs = Date.now();
    const now = Math.floor(nowMs / periodMs);
    if (now !== period) [period, text] = [now, format(nowMs)];
    return text;
  };
}

function jsonLine(level: LogLevel, message: string, facts: Facts): string {
  const line = { at: wholeTime(), level, message, ...facts };
  // Passing each value to the replacer costs more than all the rest, so flat lines go without it.
  const isFlat = Object.values(facts).every((value) => typeof value !== "object");
  return `${escapeCommands(isFlat ? JSON.stringify(line) : JSON.stringify(line, errorAsText))}\n`;
}

function errorAsText(_: string, value: unknown): unknown {
  return value instanceof Error ? causes(value) : value;
}

function textLine(level: LogLevel, message: string, facts: Facts): string {
  let line = `${timeOfDay()} ${level === "info" ? "" : `${level}: `}${message}`;
  for (const name of Object.keys(facts)) {
    const value = facts[name];
    if (value !== undefined) line += `  ${name}=${textOf(value)}`;
  }
  return `${plainText(line)}\n`;
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof Error) return causes(value);
  if (Array.isArray(value)) return value.map(textOf).join(",");
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}
