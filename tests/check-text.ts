import { globSync, readFileSync } from "node:fs";
import { markdownFaults } from "./text/markdown.ts";

/** Checks the texts that people read: all Markdown. Exit status 1 on a fault. */
const faults = [
  ...filesOf("**/*.md").flatMap((file) =>
    markdownFaults(readFileSync(file, "utf8")).map(({ line, text }) => `${file}:${line}: ${text}`),
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
