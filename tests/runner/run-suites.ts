import type { Suite } from "../suites.ts";
import { runCommand, wasInterrupted } from "./children.ts";
import type { ChosenSuite } from "./choose.ts";
import { longestFirst } from "./groups.ts";
import { type Failure, Progress, spanOf } from "./progress.ts";
import { dealt, runProcess, sideBySide, type TestProcess } from "./run-files.ts";
import type { Count } from "./test-record.ts";

/** What a suite came to. */
export type Result = {
  readonly suite: Suite;
  readonly count: Count;
  readonly failures: readonly Failure[];
  /** From the start of its first process to the end of its last; suites of a group overlap. */
  readonly ms: number;
};

type Say = (line: string) => void;
type SuiteProcess = TestProcess & { readonly run: SuiteRun; readonly suite: Suite };

/** Up to this number of files, every test has a line. */
const fewFiles = 12;
/**
 * Processes side by side in a group of several suites, unless one of them asks for more: two machines without KVM keep two processors
 * busy, and two programs leave them idle for half of the time, because they wait for each other, timers and disks.
 */
const groupAtOnce = { programs: 3, machines: 2 };

/** One suite while it runs: when it began, which of its processes are left, and the line at its end. */
class SuiteRun {
  readonly suite: Suite;
  readonly files: readonly string[];
  readonly progress: Progress;
  readonly #say: Say;
  #left = 0;
  #beganMs = performance.now();
  #result: Result | undefined;

  constructor({ suite, files }: ChosenSuite, say: Say, inGroup: boolean) {
    this.suite = suite;
    this.files = files;
    this.#say = say;
    const named = inGroup ? (line: string) => say(`[${suite.name}] ${line}`) : say;
    this.progress = new Progress(named, files.length <= fewFiles);
  }

  /** The processes that run its files; none if it cannot run, which is then a failure. */
  async prepare(isPrepared: Preparation, name: string | undefined): Promise<readonly SuiteProcess[]> {
    const { run } = this.suite;
    if (run.kind === "commands") {
      await runCommands(run.commands, this.progress);
      return [];
    }
    const { atOnce = 1, sharedProcesses = false, environment = {}, timeoutMs, prepare } = run;
    if (this.files.length === 0) this.progress.fail(run.globs.join(" "), "no test file there");
    else if (await isPrepared(prepare)) {
      const piles = sharedProcesses ? dealt(this.files, atOnce) : this.files.map((file) => [file]);
      this.#left = piles.length;
      const shared = { environment, timeoutMs, progress: this.progress, run: this, suite: this.suite };
      return piles.map((files) => ({ files, ...shared, ...(name === undefined ? {} : { name }) }));
    } else this.progress.fail(prepare?.join(" ") ?? "", "the preparation failed");
    return [];
  }

  /** Runs one of its processes. */
  async runNext(process: SuiteProcess, isFirst: boolean): Promise<void> {
    if (isFirst) this.#beganMs = performance.now();
    this.progress.processBegan();
    await runProcess(process);
    this.progress.processEnded();
    this.#left -= 1;
    if (this.#left === 0) this.end();
  }

  /** Ends it, if it has not ended: says how many tests passed. */
  end(): Result {
    if (this.#result !== undefined) return this.#result;
    const { count, failures } = this.progress;
    this.progress.end();
    this.#result = { suite: this.suite, count, failures, ms: performance.now() - this.#beganMs };
    const { passed, failed } = count;
    this.#say(`━━ ${this.suite.name}: ${passed} passed, ${failed} failed in ${spanOf(this.#result.ms)}`);
    return this.#result;
  }
}

/** Runs the suites of a group from one list of files; says what each came to as soon as it has ended. */
export async function runGroup(
  group: readonly ChosenSuite[],
  name: string | undefined,
  say: Say,
): Promise<readonly Result[]> {
  const runs = group.map((chosen) => new SuiteRun(chosen, say, group.length > 1));
  const isPrepared = preparation();
  const processes: SuiteProcess[] = [];
  for (const run of runs) if (!wasInterrupted()) processes.push(...(await run.prepare(isPrepared, name)));
  const begun = new Set<SuiteRun>();
  await sideBySide(longestFirst(processes), atOnceOf(group), async (process) => {
    const isFirst = !begun.has(process.run);
    begun.add(process.run);
    await process.run.runNext(process, isFirst);
  });
  return runs.map((run) => run.end());
}

function atOnceOf(group: readonly ChosenSuite[]): number {
  const kind = group[0]?.suite.group;
  const asked = group.map(({ suite }) => (suite.run.kind === "files" ? (suite.run.atOnce ?? 1) : 1));
  return Math.max(...asked, ...(group.length > 1 && kind !== undefined ? [groupAtOnce[kind]] : []));
}

type Preparation = (command: readonly string[] | undefined) => Promise<boolean>;

/** Runs each preparation of a group once; false if it failed. */
function preparation(): Preparation {
  const outcomes = new Map<string, Promise<boolean>>();
  return (command) => {
    if (command === undefined) return Promise.resolve(true);
    const text = command.join(" ");
    const known = outcomes.get(text) ?? runCommand(command).then((status) => status === 0);
    outcomes.set(text, known);
    return known;
  };
}

async function runCommands(commands: readonly (readonly string[])[], progress: Progress): Promise<void> {
  progress.processBegan();
  for (const command of commands) {
    if (wasInterrupted()) break;
    const beganMs = performance.now();
    const text = command.join(" ").replaceAll("node_modules/.bin/", "");
    const test = { file: text, name: text, nesting: 0 };
    progress.take({ kind: "begun", ...test });
    const passed = (await runCommand(command)) === 0;
    const outcome = passed
      ? ({ kind: "passed" } as const)
      : ({ kind: "failed", error: "its output is above", excerpt: "its output is above" } as const);
    progress.take({ kind: "ended", ...test, ms: performance.now() - beganMs, outcome });
  }
  progress.processEnded();
}
