import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { bannedPhrases } from "./text/banned-phrases.ts";
import { formerNames, formerNouns } from "./text/former-names.ts";
import { markdownFaults } from "./text/markdown.ts";
import { sourceParts } from "./text/source-parts.ts";

/** Checks the texts that people read: all Markdown, messages, comments and names of the code. Exit status 1 on a fault. */
const checkers = ["tests/text/banned-phrases.ts", "tests/text/former-names.ts", "tests/text/text.test.ts"];
const faults = [...filesOf("**/*.md").flatMap(documentFaults), ...codeFiles().flatMap(codeFaults)];
for (const fault of faults) process.stderr.write(`${fault}\n`);
if (faults.length > 0) {
  process.stderr.write(`check-text: ${faults.length} faults; the rules are in tests/text\n`);
  process.exitCode = 1;
}

function documentFaults(file: string): readonly string[] {
  return markdownFaults(readFileSync(file, "utf8")).map(({ line, text }) => `${file}:${line}: ${text}`);
}

function codeFaults(file: string): readonly string[] {
  const { literals, comments, code } = sourceParts(readFileSync(file, "utf8"));
  const texts = isForUsers(file) ? [...literals, ...comments] : comments;
  return [
    ...texts.flatMap(({ line, text }) =>
      [...bannedPhrases(text), ...formerNouns(text)].map((fault) => ({ line, fault })),
    ),
    ...[{ line: 1, text: basename(file) }, ...code].flatMap(({ line, text }) =>
      formerNames(text).map((fault) => ({ line, fault })),
    ),
  ].map(({ line, fault }) => `${file}:${line}: ${fault}`);
}

/** Whether the strings of a file reach users; those of a test may quote anything. */
function isForUsers(file: string): boolean {
  return file.startsWith("src/") && !/\.test\.ts$|\/testing\//.test(file);
}

function codeFiles(): readonly string[] {
  return ["src", "tests", "bench"]
    .flatMap((top) => filesOf(`${top}/**/*.{ts,tsx,c,h}`))
    .filter((file) => !checkers.includes(file));
}

/** Paths of our own files by a glob, in the order of their names. */
function filesOf(pattern: string): readonly string[] {
  return globSync(pattern, { exclude: ["node_modules", "build"] }).sort();
}
