/** What `./test` was told to do. */
export type TestCommand =
  | { readonly kind: "help" }
  | { readonly kind: "list" }
  | ({ readonly kind: "run"; readonly watch: boolean } & Choice)
  | { readonly kind: "fresh"; readonly words: readonly string[]; readonly command: readonly string[] }
  | { readonly kind: "wrong"; readonly text: string };

/** Which tests. */
export type Choice = {
  /** Names of suites; none means all that the other words choose from. */
  readonly suites: readonly string[];
  /** Paths or pieces of paths of test files. */
  readonly paths: readonly string[];
  /** A regular expression that the name of a test or of one above it matches. */
  readonly name?: string;
};

const next = "./test --help shows the usage, ./test --list the suites";

/** Reads the words after `./test`. `suiteNames` tells suites from paths. */
export function readTestCommand(words: readonly string[], suiteNames: readonly string[]): TestCommand {
  const suites: string[] = [];
  const paths: string[] = [];
  let name: string | undefined;
  let watch = false;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? "";
    if (word === "--help" || word === "-h" || word === "help") return { kind: "help" };
    if (word === "--list" || word === "-l") return { kind: "list" };
    if (word === "--fresh") return fresh([...words.slice(0, at), ...words.slice(at + 1)]);
    if (word === "--watch" || word === "-w") watch = true;
    else if (word === "-g" || word === "--grep") {
      at += 1;
      name = words[at];
      if (name === undefined) return wrong("-g: expected the name of a test, found the end of the line");
      if (!isPattern(name)) return wrong(`-g: expected a regular expression, found "${name}"`);
    } else if (word.startsWith("-")) return wrong(`expected an option of ./test, found "${word}"`);
    else (suiteNames.includes(word) ? suites : paths).push(word);
  }
  return { kind: "run", watch, suites, paths, ...(name === undefined ? {} : { name }) };
}

/** `--fresh [WORD…] [-- COMMAND…]`: the words go to the `./test` in there. */
function fresh(words: readonly string[]): TestCommand {
  const end = words.indexOf("--");
  if (end < 0) return { kind: "fresh", words, command: [] };
  const command = words.slice(end + 1);
  if (command.length === 0) return wrong("--fresh --: expected a command, found the end of the line");
  if (end > 0) return wrong(`--fresh --: expected suites or a command, found both ("${words[0]}", "${command[0]}")`);
  return { kind: "fresh", words: [], command };
}

function isPattern(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}

const wrong = (what: string): TestCommand => ({ kind: "wrong", text: `./test: ${what}; ${next}` });

/** The refusal of a word that is neither a suite nor a piece of a test file's path. */
export function unknownWord(word: string, suiteNames: readonly string[], where = ""): string {
  const near = suiteNames.find((name) => distance(name, word) <= Math.max(1, Math.floor(name.length / 3)));
  const guess = near === undefined ? "" : `; did you mean "${near}"?`;
  return `./test: expected a suite or a part of a test file's path, found "${word}"${where}${guess} (${next})`;
}

/** Levenshtein's distance: how many letters differ. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const above = row;
    row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      row.push(Math.min((above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (above[j - 1] ?? 0) + same));
    }
  }
  return row[b.length] ?? 0;
}
