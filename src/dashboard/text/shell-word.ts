/** A word as a POSIX shell reads it: quoted where a character of it would mean something else. */
export function shellWord(word: string): string {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A command line of these words. */
export function commandLine(...words: readonly string[]): string {
  return words.map(shellWord).join(" ");
}
