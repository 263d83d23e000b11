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
  const parts = Object.entries(value).map(([key, one]) => `${key}: ${valueText(one, depth + 1)}`);
  return depth === 0 ? parts.join(", ") : `(${parts.join(", ")})`;
}
