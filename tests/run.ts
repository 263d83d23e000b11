/** `./test`: runs suites one after the other, shows progress, ends with one line that counts. */
import { spawn } from "node:child_process";
import { glob } from "node:fs/promises";
import { ensurePackages } from "../src/main/debian-packages.ts";
import { type Suite, suites } from "./suites.ts";

type Count = { passed: number; failed: number; skipped: number };

// `./test --list | head` closes the pipe early; that is no failure.
process.stdout.on("error", () => process.exit(0));

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Runs a command, its output shown as it comes; resolves with the exit status and what it printed. */
function show(argv: readonly string[]): Promise<{ status: number; output: string }> {
  return new Promise((resolve, reject) => {
    const [command = "", ...rest] = argv;
    const child = spawn(command, rest, { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      process.stdout.write(chunk);
    });
    child.on("error", (cause) => reject(new Error(`cannot run ${command}`, { cause })));
    child.on("close", (status) => resolve({ status: status ?? 1, output }));
  });
}

/** The figure behind a word in the closing lines of node:test's spec reporter. */
function closingFigure(output: string, word: string): number {
  const matches = [...output.matchAll(new RegExp(`^ℹ ${word} (\\d+)$`, "gm"))];
  return Number(matches.at(-1)?.[1] ?? 0);
}

async function runSuite(suite: Suite): Promise<Count> {
  if (suite.run.kind === "commands") {
    const count = { passed: 0, failed: 0, skipped: 0 };
    for (const command of suite.run.commands) {
      const { status } = await show(command);
      say(`${status === 0 ? "✔" : "✖"} ${command.join(" ").replace("node_modules/.bin/", "")}`);
      count[status === 0 ? "passed" : "failed"] += 1;
    }
    return count;
  }
  await ensurePackages(suite.run.packages ?? [], (_, message, facts) =>
    say(`${message} ${facts?.packages ?? ""}`.trim()),
  );
  if (suite.run.prepare !== undefined && (await show(suite.run.prepare)).status !== 0) {
    say(`✖ ${suite.run.prepare.join(" ")}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const files = (await Promise.all(suite.run.globs.map((pattern) => Array.fromAsync(glob(pattern))))).flat().sort();
  if (files.length === 0) {
    say(`✖ suite ${suite.name} has no test file at ${suite.run.globs.join(", ")}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const { atOnce = 1 } = suite.run;
  const isolation = suite.name === "unit" ? ["--test-isolation=none"] : [`--test-concurrency=${atOnce}`];
  const { status, output } = await show([
    process.execPath,
    "--disable-warning=ExperimentalWarning",
    "--test",
    ...isolation,
    `--test-timeout=${suite.run.timeoutMs}`,
    "--test-reporter=spec",
    ...files,
  ]);
  const count = {
    passed: closingFigure(output, "pass"),
    failed: closingFigure(output, "fail") + closingFigure(output, "cancelled"),
    skipped: closingFigure(output, "skipped") + closingFigure(output, "todo"),
  };
  // A runner that died, or that ran nothing, must not look like a pass.
  if (count.failed === 0 && (status !== 0 || count.passed === 0)) count.failed = 1;
  return count;
}

async function main(names: readonly string[]): Promise<number> {
  if (names.includes("--help") || names.includes("-h")) {
    say("./test            every suite but those marked *\n./test --list     the suites\n./test SUITE…     only these");
    return 0;
  }
  if (names.includes("--list")) {
    for (const suite of suites) say(`${suite.name.padEnd(14)}${suite.onlyWhenNamed ? "* " : "  "}${suite.about}`);
    return 0;
  }
  const unknown = names.filter((name) => !suites.some((suite) => suite.name === name));
  if (unknown.length > 0) {
    say(`no suite is called ${unknown.join(", ")}; ./test --list names them`);
    return 2;
  }
  const chosen = suites.filter((suite) => (names.length > 0 ? names.includes(suite.name) : !suite.onlyWhenNamed));
  const total: Count = { passed: 0, failed: 0, skipped: 0 };
  for (const [index, suite] of chosen.entries()) {
    const startedMs = Date.now();
    say(`\n━━ ${index + 1}/${chosen.length} ${suite.name}: ${suite.about}`);
    const count = await runSuite(suite);
    total.passed += count.passed;
    total.failed += count.failed;
    total.skipped += count.skipped;
    const seconds = Math.round((Date.now() - startedMs) / 1000);
    say(`━━ ${suite.name}: ${count.passed} passed, ${count.failed} failed in ${seconds} s`);
  }
  say("");
  say(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ""}`);
  return total.failed === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
