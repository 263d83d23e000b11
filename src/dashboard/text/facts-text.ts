import { durationText, timeText } from "./time.ts";

const longest = 400;

/** Facts as words: `phase: burnIn, detail: passed`; nested ones in brackets, and not without end. */
export function factsText(facts: unknown): string {
  const text = valueText(facts, 0);
  return text.length > longest ? `${text.slice(0, longest)} …` : text;
}

function valueText(value: unknown, depth: number): string {
  if (value === null || value === undefined) return "none";
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) return value.map((one) => valueText(one, depth + 1)).join("; ");
  const parts = Object.entries(value).map(([key, one]) => factText(key, one, depth));
  return depth === 0 ? parts.join(", ") : `(${parts.join(", ")})`;
}

/** A time or a duration of a record as one, and not as a number of milliseconds. */
function factText(key: string, value: unknown, depth: number): string {
  if (typeof value === "number" && key.endsWith("AtMs") && value > 0)
    return `${wordsOf(key.slice(0, -4))} at: ${timeText(value, "UTC")}`;
  if (typeof value === "number" && /[a-z]Ms$/.test(key)) return `${wordsOf(key.slice(0, -2))}: ${durationText(value)}`;
  return `${wordsOf(key)}: ${valueText(value, depth + 1)}`;
}

/** The name of a fact as words: `created by` for `createdBy`; units stay, as in `readMiBps`. */
function wordsOf(key: string): string {
  return key.replace(/AtMs$/, "At").replace(/(?<=[a-z0-9])[A-Z](?=[a-z])(?!.?(iB|bps|ps$))/g, (letter) => {
    return ` ${letter.toLowerCase()}`;
  });
}
