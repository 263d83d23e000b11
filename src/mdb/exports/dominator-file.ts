import type { Clock, Log } from "../../core/ports.ts";
import type { DominatorMdb } from "./dominator-mdb.ts";
import { replaceFile } from "./replace-file.ts";
import { slicesOf } from "./slices.ts";

/** Changes within this time are written together: a rack that becomes healthy causes one write, not forty. */
const settleMs = 200;
/**
 * After a write follows a pause of this many times its duration: the file of a large fleet takes at most a twentieth of
 * the time.
 */
const restShare = 20;
const longestRestMs = 60_000;
/** Pause before the next attempt after a failure (a full disk, a missing directory). */
const retryMs = 10_000;

const failed = "writing the Dominator's MDB failed";

/** The state of the file, for the metrics. */
export type DominatorFile = AsyncDisposable & {
  readonly figures: () => { readonly writes: number; readonly failures: number; readonly lastWriteAtMs?: number };
};

/** What keeping the file needs. */
type DominatorFileDeps = {
  readonly path: string;
  readonly mdb: DominatorMdb;
  readonly clock: Clock;
  readonly log: Log;
};

/**
 * Keeps a file up to date with the Dominator's MDB until disposed, and then writes pending changes. The file is
 * replaced as a whole, because the Dominator's watcher checks the inode number. Throws when the first write fails.
 */
export async function keepDominatorFile(deps: DominatorFileDeps): Promise<DominatorFile> {
  const { path, mdb, log } = deps;
  const writer = new FileWriter(deps);
  await writer.write();
  mdb.onChanged(() => writer.noteChange());
  log("info", "wrote the Dominator's MDB", { path, machines: mdb.machines() });
  return {
    figures: () => writer.figures(),
    [Symbol.asyncDispose]: async () => {
      mdb.onChanged(() => {});
      await writer.end();
    },
  };
}

/** Writes the file after changes. At most one timer and one write are active; later changes are in the next write. */
class FileWriter {
  readonly #deps: DominatorFileDeps;
  #writes = 0;
  #failures = 0;
  #lastWriteAtMs: number | undefined;
  #isChanged = false;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;

  constructor(deps: DominatorFileDeps) {
    this.#deps = deps;
  }

  figures(): ReturnType<DominatorFile["figures"]> {
    const lastWriteAtMs = this.#lastWriteAtMs;
    const counts = { writes: this.#writes, failures: this.#failures };
    return lastWriteAtMs === undefined ? counts : { ...counts, lastWriteAtMs };
  }

  /** Writes the file; resolves to the milliseconds that it took. */
  async write(): Promise<number> {
    const { path, mdb, clock } = this.#deps;
    const startedMs = clock.monotonicMs();
    this.#isChanged = false;
    await replaceFile(path, slicesOf(mdb.text()));
    this.#writes += 1;
    this.#lastWriteAtMs = clock.nowMs();
    return clock.monotonicMs() - startedMs;
  }

  /** Writes soon, unless a write is running, which is followed by another one. */
  noteChange(): void {
    this.#isChanged = true;
    if (this.#writing === undefined) this.#schedule(settleMs);
  }

  /** Writes pending changes. */
  async end(): Promise<void> {
    const { path, log } = this.#deps;
    await this.#writing;
    clearTimeout(this.#timer);
    if (this.#isChanged) await this.write().catch((cause: unknown) => log("error", failed, { path, cause }));
  }

  async #attempt(): Promise<void> {
    const { path, log } = this.#deps;
    let restMs: number;
    try {
      restMs = Math.min(longestRestMs, (await this.write()) * restShare);
    } catch (cause) {
      this.#failures += 1;
      this.#isChanged = true;
      restMs = retryMs;
      const next = `the Dominator still reads the old file; check that ${path} is writable. Next attempt in ${retryMs / 1000} s`;
      log("error", failed, { path, cause, next });
    }
    this.#schedule(Math.max(settleMs, restMs));
  }

  #schedule(ms: number): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (!this.#isChanged) return;
      this.#writing = this.#attempt().finally(() => {
        this.#writing = undefined;
      });
    }, ms);
    this.#timer.unref();
  }
}
