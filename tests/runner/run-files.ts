import { statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { endOf, startChild, wasInterrupted } from "./children.ts";
import type { Progress } from "./progress.ts";
import type { TestRecord } from "./test-record.ts";

/** Compiled code that test processes and the programs they start find there: a run of the CLI takes a third of the time. */
const compileCache = join(import.meta.dirname, "../../build/compile-cache");

/** How the files of a suite are run. */
export type FilesToRun = {
  readonly files: readonly string[];
  /** Processes side by side. */
  readonly atOnce: number;
  /** The files are dealt among the processes, instead of one process a file: for files that take milliseconds. */
  readonly sharedProcesses: boolean;
  readonly environment: { readonly [name: string]: string };
  readonly timeoutMs: number;
  readonly name?: string;
};

/** Runs test files in processes of node:test and hands what they say to `progress`. */
export async function runFiles(what: FilesToRun, progress: Progress): Promise<void> {
  const piles = what.sharedProcesses ? dealt(what.files, what.atOnce) : what.files.map((file) => [file]);
  const waiting = piles[Symbol.iterator]();
  const worker = async () => {
    for (const pile of waiting) if (!wasInterrupted()) await runPile(pile, what, progress);
  };
  await Promise.all(Array.from({ length: Math.min(what.atOnce, piles.length) }, worker));
}

/** Deals files into piles of about the same size: a file's length is a fair guess at its tests. */
function dealt(files: readonly string[], count: number): readonly (readonly string[])[] {
  const piles = Array.from({ length: Math.min(count, files.length) }, () => ({ bytes: 0, files: [] as string[] }));
  const sized = files.map((file) => ({ file, bytes: statSync(file).size })).sort((a, b) => b.bytes - a.bytes);
  for (const { file, bytes } of sized) {
    const smallest = piles.reduce((least, pile) => (pile.bytes < least.bytes ? pile : least));
    smallest.bytes += bytes;
    smallest.files.push(file);
  }
  return piles.map((pile) => pile.files.sort());
}

async function runPile(files: readonly string[], what: FilesToRun, progress: Progress): Promise<void> {
  const child = startChild(
    [
      process.execPath,
      "--disable-warning=ExperimentalWarning",
      `--import=${join(import.meta.dirname, "..", "support", "set-seed.ts")}`,
      "--test",
      "--test-isolation=none",
      `--test-reporter=${join(import.meta.dirname, "reporter.ts")}`,
      `--test-timeout=${what.timeoutMs}`,
      ...(what.name === undefined ? [] : [`--test-name-pattern=${what.name}`]),
      ...files,
    ],
    {
      stdio: ["ignore", "inherit", "inherit", "pipe"],
      env: { NODE_COMPILE_CACHE: compileCache, ...what.environment, ...process.env },
    },
  );
  const said = { failed: 0, tests: 0, file: "" };
  const channel = child.stdio[3];
  if (channel !== null && channel !== undefined) {
    createInterface(channel as NodeJS.ReadableStream).on("line", (line) => {
      const record = JSON.parse(line) as TestRecord;
      const file = relativeTo(process.cwd(), record.file);
      if (record.kind === "begun" && file !== said.file) {
        progress.fileEnded(said.file);
        said.file = file;
      }
      if (record.kind === "ended") {
        said.tests += 1;
        if (record.outcome.kind === "failed") said.failed += 1;
      }
      progress.take({ ...record, file });
    });
  }
  const status = await endOf(child);
  progress.fileEnded(said.file);
  const place = said.file === "" ? files.join(" ") : said.file;
  if (wasInterrupted()) return;
  // A process that died, or that ran nothing, must not look like a pass.
  if (status !== 0 && said.failed === 0) progress.fail(place, `the test process ended with status ${status}`);
  else if (said.tests === 0 && what.name === undefined) progress.fail(place, "no test in it");
}

const relativeTo = (directory: string, path: string): string =>
  path.startsWith(`${directory}/`) ? path.slice(directory.length + 1) : path;
