import { InvalidArgumentError } from "commander";

/** What the command line says. */
export type SimulateOptions = {
  readonly racks?: number;
  readonly machines?: number;
  readonly servers: number;
  readonly config?: string;
  readonly rollout?: number;
  readonly image: number;
  readonly nic: number;
  readonly rackUplink: number;
  readonly serverNic: number;
  readonly mirrorNic: number;
  readonly serverSends?: number;
  readonly agentFetch?: number;
  readonly disk?: number;
  readonly firmware?: number;
  readonly burnIn: number;
  readonly powerOn: string;
  readonly fail: number;
  readonly loss: number;
  readonly faults?: string;
  readonly peers: boolean;
  readonly switch?: string;
  readonly port?: string;
  readonly seed: number;
  readonly limit: number;
  readonly json?: true;
  readonly report?: string;
  readonly transcript?: string;
};

const durationUnits: { readonly [unit: string]: number } = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000 };
const byteUnits: { readonly [unit: string]: number } = { "": 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12 };

/** `90s`, `5m`, `1h`: milliseconds; undefined for what is no duration. */
export function durationOf(text: string): number | undefined {
  const [, count, unit = ""] = /^(\d+(?:\.\d+)?)\s*(ms|s|min|m|h)$/.exec(text.trim()) ?? [];
  const factor = durationUnits[unit];
  return count === undefined || factor === undefined ? undefined : Number(count) * factor;
}

/** The same of an option's argument. */
export function readDuration(text: string): number {
  const ms = durationOf(text);
  if (ms === undefined) throw new InvalidArgumentError("expected a duration such as 90s or 5m.");
  return ms;
}

/** The same, but not nothing. */
export function readSomeTime(text: string): number {
  const ms = readDuration(text);
  if (ms === 0) throw new InvalidArgumentError("expected a duration longer than 0.");
  return ms;
}

/** `1GB`, `500MB`: bytes. */
export function readBytes(text: string): number {
  const [, count, unit = ""] = /^(\d+(?:\.\d+)?)\s*([kMGT]?)B$/.exec(text.trim()) ?? [];
  const factor = byteUnits[unit];
  if (count === undefined || factor === undefined || Number(count) <= 0)
    throw new InvalidArgumentError("expected a size such as 500MB or 1GB.");
  return Math.round(Number(count) * factor);
}

/** `10G`, `100M`: bits per second, as bytes per second. */
export function readRate(text: string): number {
  const [, count, unit = ""] = /^(\d+(?:\.\d+)?)\s*([kMGT]?)(?:bit\/s|bps)?$/.exec(text.trim()) ?? [];
  const factor = byteUnits[unit];
  if (count === undefined || factor === undefined || Number(count) <= 0)
    throw new InvalidArgumentError("expected bits per second such as 10G or 25G.");
  return (Number(count) * factor) / 8;
}

/** `2%`: a share. */
export function readShare(text: string): number {
  const count = Number(/^(\d+(?:\.\d+)?)\s*%$/.exec(text.trim())?.[1] ?? Number.NaN);
  if (!(count >= 0 && count <= 100)) throw new InvalidArgumentError("expected a percentage such as 2%.");
  return count / 100;
}

/** A whole number of a range. */
export const readCount = (least: number, most: number) => (text: string) => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most)
    throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}.`);
  return value;
};
