import type { Log, LogLevel } from "../core/ports.ts";
import { causes } from "./causes.ts";

const order: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** A log on standard error: a line for people, or one JSON object a line; from `least` on. */
export function openLog({ json, least }: { readonly json: boolean; readonly least: LogLevel }): Log {
  return (level, message, facts = {}) => {
    if (order.indexOf(level) < order.indexOf(least)) return;
    process.stderr.write(`${json ? jsonLine(level, message, facts) : textLine(level, message, facts)}\n`);
  };
}

type Facts = { readonly [name: string]: unknown };

function jsonLine(level: LogLevel, message: string, facts: Facts): string {
  const line = { at: new Date().toISOString(), level, message, ...facts };
  return JSON.stringify(line, (_, value) => (value instanceof Error ? causes(value) : value));
}

function textLine(level: LogLevel, message: string, facts: Facts): string {
  const time = new Date().toTimeString().slice(0, 8);
  const words = Object.entries(facts)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${textOf(value)}`);
  const mark = level === "info" ? "" : `${level}: `;
  return `${time} ${mark}${[message, ...words].join("  ")}`;
}

function textOf(value: unknown): string {
  if (value instanceof Error) return causes(value);
  if (Array.isArray(value)) return value.map(textOf).join(",");
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}
