import { globSync, readFileSync } from "node:fs";
import { bannedPhrases } from "./text/banned-phrases.ts";
import { markdownFaults } from "./text/markdown.ts";
import { stringLiterals } from "./text/string-literals.ts";

/** Checks the texts that people read: all Markdown, and the string literals of the code. Exit status 1 on a fault. */
const faults = [
  ...filesOf("**/*.md").flatMap((file) =>
    markdownFaults(readFileSync(file, "utf8")).map(({ line, text }) => `${file}:${line}: ${text}`),
  ),
  ...filesOf("src/**/*.ts")
    .filter((file) => !/\.test\.ts$|\/testing\//.test(file))
    .flatMap((file) =>
      stringLiterals(readFileSync(file, "utf8")).flatMap(({ line, text }) =>
        bannedPhrases(text).map((fault) => `${file}:${line}: ${fault}`),
      ),
    ),
];
for (const fault of faults) process.stderr.write(`${fault}\n`);
if (faults.length > 0) {
  process.stderr.write(`check-text: ${faults.length} faults; the rules are in tests/text\n`);
  process.exitCode = 1;
}

/** Paths of our own files by a glob, in the order of their names. */
function filesOf(pattern: string): readonly string[] {
  return globSync(pattern, { exclude: ["node_modules", "build"] }).sort();
}
