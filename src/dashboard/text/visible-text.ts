import { plainText } from "../../core/bytes/plain-text.ts";

/** A line that a machine wrote, with its control characters as pictures of themselves (Unicode, Control Pictures). */
export function visibleText(line: string): string {
  const pictures = [...line].map((character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 32 && character !== "\t" ? String.fromCodePoint(0x2400 + code) : character;
  });
  return plainText(pictures.join(""));
}
