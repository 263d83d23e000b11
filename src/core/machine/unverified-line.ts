import { type LogLine, lineCharacters } from "./log-line.ts";

/*
 * Lines that came by UDP, before TLS was up: nobody has verified who sent them. The mark is a part of the text, so that every
 * reader of the log, of any version, sees it.
 */

/** The text of such a line, with its number in the order in which its machine sent it. */
export function unverifiedText(sequence: number, text: string): string {
  return `unverified #${sequence}: ${text}`;
}

/** The number and the text of an unverified line; undefined for any other. */
export function readUnverified(text: string): { readonly sequence: number; readonly text: string } | undefined {
  const [, sequence, said] = /^unverified #(\d{1,10}): (.*)$/s.exec(text) ?? [];
  return sequence === undefined || said === undefined ? undefined : { sequence: Number(sequence), text: said };
}

/** Longer texts may be cut at different places: the mark takes some of a line's room. */
const comparedCharacters = lineCharacters - unverifiedText(9_999_999_999, "").length;

/** What two lines of one boot have in common if they say the same. */
export function sameLineKey({ boot = "-" }: Pick<LogLine, "boot">, text: string): string {
  return `${boot} ${text.slice(0, comparedCharacters)}`;
}

/**
 * Lines without repetitions. init says by TLS again what it said by UDP: then only the verified line is left. A datagram that came
 * twice counts once. A verified line is never left out, whatever a stranger sent.
 */
export function withoutRepeats(lines: readonly LogLine[]): readonly LogLine[] {
  const unverified = new Map<LogLine, NonNullable<ReturnType<typeof readUnverified>>>();
  for (const line of lines) {
    const read = readUnverified(line.text);
    if (read !== undefined) unverified.set(line, read);
  }
  if (unverified.size === 0) return lines;
  const verified = new Set(lines.filter((line) => !unverified.has(line)).map((line) => sameLineKey(line, line.text)));
  const seen = new Set<string>();
  return lines.filter((line) => {
    const read = unverified.get(line);
    if (read === undefined) return true;
    const numbered = `${line.boot ?? "-"} ${line.text}`;
    if (seen.has(numbered) || verified.has(sameLineKey(line, read.text))) return false;
    seen.add(numbered);
    return true;
  });
}
