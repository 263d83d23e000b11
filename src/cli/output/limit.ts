import { failure } from "../api/failure.ts";

/** The number after `--limit`, from 1 to 9,999,999; undefined without the option. Throws a misuse that names the `things` counted. */
export function readLimit(limit: string | undefined, things: string): number | undefined {
  if (limit === undefined) return undefined;
  if (/^[1-9]\d{0,6}$/.test(limit)) return Number(limit);
  throw failure("misused", `--limit: expected a number of ${things}, found ${limit}`);
}
