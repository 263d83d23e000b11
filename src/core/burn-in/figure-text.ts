import { formatCount } from "../bytes/counted.ts";

/** The units that names of figures end with, as people write them. */
const units: { readonly [ending: string]: string } = {
  ...{ MiBps: "MiB/s", GiBps: "GiB/s", Mbps: "Mbit/s", MiB: "MiB", GiB: "GiB", Bytes: "bytes" },
  ...{ PerSecond: "per second", Ms: "ms", Seconds: "s", Celsius: "°C", Percent: "%", MHz: "MHz" },
};

/** A figure of a burn-in in words: `writeMiBps` is `write` in `MiB/s`. A name of another form stays as it is, without a unit. */
export function figureWords(figure: string): { readonly name: string; readonly unit: string } {
  if (!/^[a-z][A-Za-z0-9]{0,60}$/.test(figure)) return { name: figure, unit: "" };
  const ending = Object.keys(units).find((one) => figure.endsWith(one) && figure.length > one.length);
  const stem = ending === undefined ? figure : figure.slice(0, -ending.length);
  const words = stem.replace(/[A-Z]+(?![a-z])|[A-Z]/g, (capital) => ` ${capital.toLowerCase()}`);
  return {
    name: words.replace(/^(cpu|crc|nic)(?=s?\b)/, (short) => short.toUpperCase()),
    unit: units[ending ?? ""] ?? "",
  };
}

/** The same as the title of a column: `write (MiB/s)`. */
export function figureTitle(figure: string): string {
  const { name, unit } = figureWords(figure);
  return unit === "" ? name : `${name} (${unit})`;
}

/** The value of a figure: whole from a hundred on, else with at most two decimals. */
export function figureNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Math.abs(value) >= 100 || Number.isInteger(value)) return formatCount(Math.round(value));
  return value.toFixed(2).replace(/\.?0+$/, "");
}

/** A figure with its value: `write 1,820 MiB/s`. */
export function describeFigure(figure: string, value: number): string {
  const { name, unit } = figureWords(figure);
  return [name, figureNumber(value), unit].filter((part) => part !== "").join(" ");
}
