import type { Count, TestRecord } from "./test-record.ts";

/** A failed test, as it is repeated at the end, with the first lines of its error. */
export type Failure = { readonly file: string; readonly name: string; readonly excerpt: string };

/** Longer than this and a test gets a line of its own. */
const slowMs = 1000;
/** After so long without a line the tests that run are named. */
const quietMs = 15_000;

type Running = { readonly name: string; readonly file: string; readonly beganMs: number };

/** Prints how the tests of one suite go on, and counts them. */
export class Progress {
  readonly count: Count = { passed: 0, failed: 0, skipped: 0 };
  readonly failures: Failure[] = [];
  readonly #say: (line: string) => void;
  readonly #everyTest: boolean;
  readonly #running = new Map<string, Running>();
  readonly #files = new Map<string, { tests: number; failed: number }>();
  #lastLineMs = performance.now();
  #processes = 0;
  readonly #timer = setInterval(() => this.#nameRunning(), 1000);

  /** With `everyTest`, each test has a line; without, those that are slow or fail, and each file. */
  constructor(say: (line: string) => void, everyTest: boolean) {
    this.#say = (line) => {
      this.#lastLineMs = performance.now();
      say(line);
    };
    this.#everyTest = everyTest;
  }

  /** A process of this suite has begun: until it ends, silence is worth a line. */
  processBegan(): void {
    if (this.#processes === 0) this.#lastLineMs = performance.now();
    this.#processes += 1;
  }

  processEnded(): void {
    this.#processes -= 1;
  }

  /** Takes what a test process says. */
  take(record: TestRecord): void {
    const { file } = record;
    if (record.kind === "note") {
      this.#say(`  ℹ ${record.text}`);
      return;
    }
    const key = `${file}\n${record.nesting}\n${record.name}`;
    if (record.kind === "begun") {
      this.#running.set(key, { name: record.name, file, beganMs: performance.now() });
      if (!this.#files.has(file)) this.#files.set(file, { tests: 0, failed: 0 });
      return;
    }
    this.#running.delete(key);
    if (record.kind === "ended") this.#ended(record);
  }

  #ended({ file, name, nesting, ms, outcome }: TestRecord & { readonly kind: "ended" }): void {
    const sums = this.#files.get(file);
    if (sums !== undefined) sums.tests += 1;
    this.count[outcome.kind] += 1;
    const indent = "  ".repeat(nesting);
    const took = `(${spanOf(ms)})`;
    if (outcome.kind === "failed") {
      this.failures.push({ file, name, excerpt: outcome.excerpt });
      if (sums !== undefined) sums.failed += 1;
      this.#say(`${indent}✖ ${name} ${took}\n${file}\n${indentedBy("    ", outcome.error)}`);
    } else if (outcome.kind === "skipped") this.#say(`${indent}↷ ${name}: ${outcome.reason}`);
    else if (this.#everyTest || ms >= slowMs) this.#say(`${indent}✔ ${name} ${took}`);
  }

  /** A process that ended wrongly without a failed test: that is one failure, whatever it said before. */
  fail(file: string, what: string): void {
    this.count.failed += 1;
    this.failures.push({ file, name: what, excerpt: "" });
    this.#say(`✖ ${file}: ${what}`);
  }

  /** One line for each file. */
  fileEnded(file: string): void {
    const sums = this.#files.get(file);
    if (sums === undefined || this.#everyTest) return;
    const failed = sums.failed > 0 ? `, ${sums.failed} failed` : "";
    this.#say(`${sums.failed > 0 ? "✖" : "✔"} ${file}: ${sums.tests} ${sums.tests === 1 ? "test" : "tests"}${failed}`);
  }

  end(): void {
    clearInterval(this.#timer);
  }

  #nameRunning(): void {
    const nowMs = performance.now();
    if (this.#processes === 0 || nowMs - this.#lastLineMs < quietMs) return;
    const inner = [...this.#running.values()].slice(-3);
    for (const { name, file, beganMs } of inner) this.#say(`  … ${file}: ${name} (${spanOf(nowMs - beganMs)} so far)`);
    if (inner.length === 0) this.#say("  … no test has begun yet");
  }
}

/** `12 ms`, `3.4 s`, `2 min 5 s`. */
export function spanOf(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

function indentedBy(indent: string, text: string): string {
  return text.replace(/^/gm, indent);
}
