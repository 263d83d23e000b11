/**
 * What a terminal, a log, a spreadsheet or a page may obey instead of showing it: control characters (Unicode's Cc), unpaired
 * surrogates, line and paragraph separators, and marks that change the direction of text (Unicode 15 §23.2). And what nobody
 * sees, so that two names look alike or a text holds another one: zero-width spaces, soft hyphens, invisible operators, tags
 * (§23.9). The joiners stay, because scripts and emoji need them.
 */
const commanding =
  /[\p{Cc}\p{Cs}\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/**
 * Foreign text as it may be shown anywhere: on one line, and obeyed by nothing. A tab becomes a space, and every other
 * such character U+FFFD; of marks piled on one letter the first six stay. For names of machines, packets and operators, and for lines of logs; not for paths of files,
 * which are compared byte by byte.
 */
export function plainText(text: string): string {
  const plain = text.replace(commanding, (found) => (found === "\t" ? " " : "\ufffd"));
  return piled.test(plain) ? plain.replace(piles, "$1") : plain;
}

/** Marks on one letter beyond those that any script needs: they cover the lines around, and no line can be broken within. */
const piled = /\p{M}{7}/u;
const piles = /(\p{M}{6})\p{M}+/gu;

/** JSON text with such characters as escapes of JSON: it means the same, and a terminal obeys nothing in it. Line ends of its layout stay. */
export function escapeCommands(json: string): string {
  return json.replace(commanding, (found) => (found === "\n" ? found : found.split("").map(escapeUnit).join("")));
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Messages have a few levels; a parser takes thousands, and what walks its result then lacks stack. */
const mostLevels = 100;

/** `plainText` for every text in parsed JSON, the keys of records included; throws if it is nested too deeply. */
export function plainFacts(value: unknown): unknown {
  return plainBelow(value, mostLevels);
}

function plainBelow(value: unknown, levels: number): unknown {
  if (typeof value === "string") return plainText(value);
  if (typeof value !== "object" || value === null) return value;
  if (levels === 0) throw new Error(`expected at most ${mostLevels} levels of JSON, found more`);
  if (Array.isArray(value)) return value.map((one) => plainBelow(one, levels - 1));
  const fields = Object.entries(value).map(([key, one]) => [plainText(key), plainBelow(one, levels - 1)]);
  return Object.fromEntries(fields);
}
