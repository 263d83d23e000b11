/** `./test`: runs suites one after the other, shows progress, ends with one line that counts. */
import { ensurePackages } from "../src/bootstrap-image/install-packages.ts";
import { endChildrenOnSignals, runCommand, wasInterrupted } from "./runner/children.ts";
import { type ChosenSuite, choose } from "./runner/choose.ts";
import { type Choice, readTestCommand } from "./runner/command-line.ts";
import { runFresh } from "./runner/fresh.ts";
import { listOf, usage } from "./runner/help.ts";
import { type Failure, Progress, spanOf } from "./runner/progress.ts";
import { runFiles } from "./runner/run-files.ts";
import { type Count, sumOf } from "./runner/test-record.ts";
import { watch } from "./runner/watch.ts";
import { type Suite, suites } from "./suites.ts";
import { testSeed } from "./support/seed.ts";

// `./test --list | head` closes the pipe early; that is no failure.
process.stdout.on("error", () => process.exit(0));

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const sayEnding = (signal: string): void => say(`${signal}: ending the tests that run…`);

/** What a suite came to. */
type Result = {
  readonly suite: Suite;
  readonly count: Count;
  readonly failures: readonly Failure[];
  readonly ms: number;
};

/** Up to so many files, every test has a line. */
const fewFiles = 12;

async function runCommands(commands: readonly (readonly string[])[], progress: Progress): Promise<void> {
  for (const command of commands) {
    if (wasInterrupted()) return;
    const beganMs = performance.now();
    const text = command.join(" ").replaceAll("node_modules/.bin/", "");
    const test = { file: text, name: text, nesting: 0 };
    progress.take({ kind: "begun", ...test });
    const passed = (await runCommand(command)) === 0;
    const outcome = passed
      ? ({ kind: "passed" } as const)
      : ({ kind: "failed", error: "its output is above" } as const);
    progress.take({ kind: "ended", ...test, ms: performance.now() - beganMs, outcome });
  }
}

async function runSuite({ suite, files }: ChosenSuite, name: string | undefined): Promise<Result> {
  const beganMs = performance.now();
  const progress = new Progress(say, files.length <= fewFiles);
  const { run } = suite;
  if (run.kind === "commands") await runCommands(run.commands, progress);
  else if (files.length === 0) progress.fail(run.globs.join(" "), "no test file there");
  else if (run.prepare !== undefined && (await runCommand(run.prepare)) !== 0)
    progress.fail(run.prepare.join(" "), "the preparation failed");
  else {
    const { atOnce = 1, sharedProcesses = false, environment = {}, timeoutMs } = run;
    await runFiles(
      { files, atOnce, sharedProcesses, environment, timeoutMs, ...(name === undefined ? {} : { name }) },
      progress,
    );
  }
  progress.end();
  return { suite, count: progress.count, failures: progress.failures, ms: performance.now() - beganMs };
}

/** Runs what is chosen; the exit status. */
async function run(choice: Choice): Promise<number> {
  const chosen = choose(choice, suites);
  if (chosen.kind === "nothing") {
    say(chosen.text);
    return 2;
  }
  say(`seed ${testSeed} (TEST_SEED=${testSeed} repeats what is random)`);
  await ensurePackages(
    chosen.suites.flatMap(({ suite }) => suite.packages),
    (_, message, facts) => say(`${message} ${facts?.packages ?? ""}`.trim()),
  );
  const results: Result[] = [];
  for (const [index, each] of chosen.suites.entries()) {
    if (wasInterrupted()) break;
    say(`\n━━ ${index + 1}/${chosen.suites.length} ${each.suite.name}: ${each.suite.about}`);
    const result = await runSuite(each, choice.name);
    results.push(result);
    const { passed, failed } = result.count;
    say(`━━ ${each.suite.name}: ${passed} passed, ${failed} failed in ${spanOf(result.ms)}`);
  }
  return report(results, choice);
}

/** The failures once more with the command that repeats each, what each suite cost, and the closing line. */
function report(results: readonly Result[], choice: Choice): number {
  const total = sumOf(results.map(({ count }) => count));
  if (wasInterrupted()) total.failed += 1;
  else if (choice.name !== undefined && total.passed + total.failed + total.skipped === 0) {
    say(`./test: expected a test whose name matches "${choice.name}", found none`);
    total.failed = 1;
  }
  const failures = results.flatMap((result) => result.failures.map((failure) => ({ ...failure, suite: result.suite })));
  if (failures.length > 0) say(`\nfailed, and how to repeat it (seed ${testSeed}):`);
  for (const { file, name, suite } of failures) {
    say(
      `✖ ${name}\n  TEST_SEED=${testSeed} ./test ${suite.name}${suite.run.kind === "files" ? choiceOf(file, name) : ""}`,
    );
  }
  if (results.length > 1) {
    say("");
    for (const { suite, ms } of results) say(`${suite.name.padEnd(14)}${spanOf(ms).padStart(14)}`);
  }
  const totalMs = results.reduce((sum, { ms }) => sum + ms, 0);
  say(`\n${wasInterrupted() ? "interrupted" : "ended"} after ${spanOf(totalMs)}`);
  say(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ""}`);
  return wasInterrupted() ? 130 : total.failed === 0 ? 0 : 1;
}

/** The words that choose a failed test's file, or the test where it stands in a file that several share. */
function choiceOf(file: string, name: string): string {
  if (file.endsWith(".test.ts")) return ` ${file}`;
  return ` -g "${name.replace(/[^\w ]/g, ".")}"`;
}

async function main(words: readonly string[]): Promise<number> {
  const command = readTestCommand(
    words,
    suites.map((suite) => suite.name),
  );
  switch (command.kind) {
    case "help":
      say(usage);
      return 0;
    case "list":
      say(listOf(suites));
      return 0;
    case "wrong":
      say(command.text);
      return 2;
    case "fresh":
      endChildrenOnSignals(sayEnding);
      return await runFresh(command, say);
    case "run":
      if (command.watch) return await watch(() => run(command), say);
      endChildrenOnSignals(sayEnding);
      return await run(command);
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (cause) {
  say(`./test: ${cause instanceof Error ? cause.message : cause}`);
  process.exitCode = 1;
}
