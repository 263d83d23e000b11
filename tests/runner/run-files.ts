import { statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { endOf, startChild, wasInterrupted } from "./children.ts";
import type { Progress } from "./progress.ts";
import type { TestRecord } from "./test-record.ts";

/** Compiled code that test processes and the programs they start find there: a run of the CLI takes a third of the time. */
const compileCache = join(import.meta.dirname, "../../build/compile-cache");

/** One process of node:test: its files, how they are run, and where what they say goes. */
export type TestProcess = {
  readonly files: readonly string[];
  readonly environment: { readonly [name: string]: string };
  readonly timeoutMs: number;
  /** A regular expression over the names of tests. */
  readonly name?: string;
  readonly progress: Progress;
};

/** Takes items in their order, `atOnce` side by side; takes no more once the run was interrupted. */
export async function sideBySide<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>) {
  const waiting = items[Symbol.iterator]();
  const worker = async () => {
    for (const item of waiting) if (!wasInterrupted()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
}

/** Deals files into piles of about the same size: a file's length is a fair guess at its tests. */
export function dealt(files: readonly string[], count: number): readonly (readonly string[])[] {
  const piles = Array.from({ length: Math.min(count, files.length) }, () => ({ bytes: 0, files: [] as string[] }));
  const sized = files.map((file) => ({ file, bytes: statSync(file).size })).sort((a, b) => b.bytes - a.bytes);
  for (const { file, bytes } of sized) {
    const smallest = piles.reduce((least, pile) => (pile.bytes < least.bytes ? pile : least));
    smallest.bytes += bytes;
    smallest.files.push(file);
  }
  return piles.map((pile) => pile.files.sort());
}

/** Runs a process of node:test and hands what it says to its `progress`. */
export async function runProcess({ files, environment, timeoutMs, name, progress }: TestProcess): Promise<void> {
  const child = startChild(
    [
      process.execPath,
      "--disable-warning=ExperimentalWarning",
      `--import=${join(import.meta.dirname, "..", "support", "set-seed.ts")}`,
      "--test",
      "--test-isolation=none",
      `--test-reporter=${join(import.meta.dirname, "reporter.ts")}`,
      `--test-timeout=${timeoutMs}`,
      ...(name === undefined ? [] : [`--test-name-pattern=${name}`]),
      ...files,
    ],
    {
      stdio: ["ignore", "inherit", "inherit", "pipe"],
      env: { NODE_COMPILE_CACHE: compileCache, ...environment, ...process.env },
    },
  );
  const said = { failed: 0, tests: 0, file: "" };
  const channel = child.stdio[3];
  if (channel !== null && channel !== undefined) {
    const take = (line: string) => {
      const record = recordOf(line);
      if (record === undefined) return;
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
    };
    createInterface(channel as NodeJS.ReadableStream)
      .on("error", () => undefined)
      .on("line", take);
  }
  const status = await endOf(child);
  progress.fileEnded(said.file);
  const place = said.file === "" ? files.join(" ") : said.file;
  if (wasInterrupted()) return;
  // A process that died, or that ran nothing, must not look like a pass.
  if (status !== 0 && said.failed === 0) progress.fail(place, `the test process ended with status ${status}`);
  else if (said.tests === 0 && name === undefined) progress.fail(place, "no test in it");
}

/** Undefined for the part of a line that is left of a process that was killed; its status says so. */
function recordOf(line: string): TestRecord | undefined {
  try {
    return JSON.parse(line) as TestRecord;
  } catch {
    return undefined;
  }
}

const relativeTo = (directory: string, path: string): string =>
  path.startsWith(`${directory}/`) ? path.slice(directory.length + 1) : path;
