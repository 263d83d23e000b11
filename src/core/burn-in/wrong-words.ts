/** A word of memory that read back wrong (host.d.ts, `WrongWord`). */
export type WrongWord = {
  readonly offset: number;
  readonly physical?: string;
  readonly pattern: string;
  readonly expected: string;
  readonly found: string;
  readonly again: string;
};

/** Words that are named: more say no more about a broken module. */
const named = 4;

/** The fault of a memory test in words, with addresses and what was found there; empty without a wrong word. */
export function describeWrongWords(count: number, first: readonly WrongWord[]): string {
  if (count === 0) return "";
  const words = first.slice(0, named).map(describeWord);
  return [`${count} ${count === 1 ? "word differs" : "words differ"} after reading back`, ...words].join("; ");
}

function describeWord({ offset, physical, pattern, expected, found, again }: WrongWord): string {
  const where = physical === undefined ? `byte ${offset} of the tested memory` : `physical address ${physical}`;
  const twice = again === found ? "" : again === expected ? ", right when read again" : `, ${again} when read again`;
  return `at ${where} (pattern ${pattern}): expected ${expected}, found ${found}${twice}`;
}
