import { Option } from "commander";
import { failure } from "../api/failure.ts";

const units: { readonly [unit: string]: number } = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * The time that `--since` names, in milliseconds since 1970: an age such as `90s`, `15m`, `1h` or `2d`, or a date and time as
 * ISO 8601 has them, in the local zone unless one is named.
 */
export function readSince(text: string, nowMs = Date.now()): number {
  const age = /^(\d{1,6})([smhd])$/.exec(text);
  if (age !== null) return nowMs - Number(age[1]) * (units[age[2] ?? ""] ?? 0);
  const atMs = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text.replace(" ", "T")) : Number.NaN;
  if (!Number.isNaN(atMs) && atMs >= 0) return atMs;
  throw failure(
    "misused",
    `--since: expected an age such as 15m or 1h, or a time such as 2026-03-01T08:00, found ${text}`,
  );
}

/** `--since` with such a time; it is read before a server is asked. */
export function sinceOption(description: string): Option {
  return new Option("--since <time>", description).argParser((text) => readSince(text));
}
