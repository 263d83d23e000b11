/** `./test`: runs suites, shows progress, ends with one line that counts. */
import { ensurePackages } from "../src/bootstrap-image/install-packages.ts";
import { endChildrenOnSignals, wasInterrupted } from "./runner/children.ts";
import { choose } from "./runner/choose.ts";
import { type Choice, readTestCommand } from "./runner/command-line.ts";
import { runFresh } from "./runner/fresh.ts";
import { groupsOf } from "./runner/groups.ts";
import { listOf, usage } from "./runner/help.ts";
import { reportLines, totalOf } from "./runner/report.ts";
import { type Result, runGroup } from "./runner/run-suites.ts";
import { withScratchDirectory } from "./runner/scratch.ts";
import { watch } from "./runner/watch.ts";
import { suites } from "./suites.ts";
import { testSeed } from "./support/seed.ts";

// `./test --list | head` closes the pipe early; that is no failure.
process.stdout.on("error", () => process.exit(0));

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const sayEnding = (signal: string): void => say(`${signal}: ending the tests that run…`);

/** Runs what is chosen; the exit status. */
async function run(choice: Choice): Promise<number> {
  const chosen = choose(choice, suites);
  if (chosen.kind === "nothing") {
    say(chosen.text);
    return 2;
  }
  const needRoot = chosen.suites.filter(({ suite }) => suite.needsRoot === true).map(({ suite }) => suite.name);
  if (needRoot.length > 0 && process.getuid?.() !== 0) {
    say(
      `./test: ${needRoot.join(", ")}: expected root, found another user; run sudo ./test, or name suites without root`,
    );
    return 2;
  }
  say(`seed ${testSeed} (TEST_SEED=${testSeed} repeats what is random)`);
  await ensurePackages(
    chosen.suites.flatMap(({ suite }) => suite.packages),
    (_, message, facts) => say(`${message} ${facts?.packages ?? ""}`.trim()),
  );
  const beganMs = performance.now();
  const results: Result[] = [];
  for (const group of groupsOf(chosen.suites)) {
    if (wasInterrupted()) break;
    say("");
    for (const each of group) {
      const { name, about } = each.suite;
      say(`━━ ${chosen.suites.indexOf(each) + 1}/${chosen.suites.length} ${name}: ${about}`);
    }
    if (group.length > 1) say("━━ these run side by side, the longest files first");
    results.push(...(await runGroup(group, choice.name, say)));
  }
  return end(results, choice, performance.now() - beganMs);
}

/** Says how the run ended; the exit status. */
function end(results: readonly Result[], { name }: Choice, ms: number): number {
  const ran = results.some(({ count: { passed, failed, skipped } }) => passed + failed + skipped > 0);
  const foundNone = !wasInterrupted() && name !== undefined && !ran;
  if (foundNone) say(`./test: expected a test whose name matches "${name}", found none`);
  const total = totalOf(results, wasInterrupted() || foundNone);
  const how = wasInterrupted() ? "interrupted" : "ended";
  for (const line of reportLines(results, total, { how, ms })) say(line);
  return wasInterrupted() ? 130 : total.failed === 0 ? 0 : 1;
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
      if (command.watch) return await withScratchDirectory(() => watch(() => run(command), say));
      endChildrenOnSignals(sayEnding);
      return await withScratchDirectory(() => run(command));
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (cause) {
  say(`./test: ${cause instanceof Error ? cause.message : cause}`);
  process.exitCode = 1;
}
