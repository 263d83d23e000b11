import { testSeed } from "../support/seed.ts";
import { spanOf } from "./progress.ts";
import type { Result } from "./run-suites.ts";
import { type Count, sumOf } from "./test-record.ts";

/**
 * The end of a run as lines: each failure with the command that repeats it and the first lines of its error (a log is
 * often cut to its end), what each suite cost, and the line that counts.
 */
export function reportLines(results: readonly Result[], total: Count, ended: { how: string; ms: number }) {
  const failures = results.flatMap((result) => result.failures.map((failure) => ({ ...failure, suite: result.suite })));
  return [
    ...(failures.length > 0 ? ["", `failed, and how to repeat it (seed ${testSeed}):`] : []),
    ...failures.flatMap(({ file, name, suite, excerpt }) => [
      `✖ ${name}`,
      `  TEST_SEED=${testSeed} ./test ${suite.name}${suite.run.kind === "files" ? choiceOf(file, name) : ""}`,
      ...(excerpt === "" ? [] : excerpt.split("\n").map((line) => `    ${line}`)),
    ]),
    ...(results.length > 1
      ? ["", ...results.map(({ suite, ms }) => `${suite.name.padEnd(14)}${spanOf(ms).padStart(14)}`)]
      : []),
    "",
    `${ended.how} after ${spanOf(ended.ms)}`,
    `${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ""}`,
  ];
}

/** The sum of what the suites came to; a run that was interrupted or that found no test has failed. */
export function totalOf(results: readonly Result[], incomplete: boolean): Count {
  const total = sumOf(results.map(({ count }) => count));
  if (incomplete) total.failed += 1;
  return total;
}

/** The words that choose a failed test's file, or the test where it stands in a file that several share. */
function choiceOf(file: string, name: string): string {
  if (file.endsWith(".test.ts")) return ` ${file}`;
  return ` -g "${name.replace(/[^\w ]/g, ".")}"`;
}
