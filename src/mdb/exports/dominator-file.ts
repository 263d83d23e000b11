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

/**
 * Keeps a file up to date with the Dominator's MDB until disposed, and then writes pending changes. The file is
 * replaced as a whole, because the Dominator's watcher checks the inode number. Throws when the first write fails.
 */
export async function keepDominatorFile(deps: {
  readonly path: string;
  readonly mdb: DominatorMdb;
  readonly clock: Clock;
  readonly log: Log;
}): Promise<DominatorFile> {
  const { path, mdb, clock, log } = deps;
  let writes = 0;
  let failures = 0;
  let lastWriteAtMs: number | undefined;
  let changed = false;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> | undefined;

  const write = async (): Promise<number> => {
    const startedMs = clock.monotonicMs();
    changed = false;
    await replaceFile(path, slicesOf(mdb.text()));
    writes += 1;
    lastWriteAtMs = clock.nowMs();
    return clock.monotonicMs() - startedMs;
  };
  const attempt = async (): Promise<void> => {
    let restMs: number;
    try {
      restMs = Math.min(longestRestMs, (await write()) * restShare);
    } catch (cause) {
      failures += 1;
      changed = true;
      restMs = retryMs;
      const next = `the Dominator still reads the old file; check that ${path} is writable. Next attempt in ${retryMs / 1000} s`;
      log("error", failed, { path, cause, next });
    }
    schedule(Math.max(settleMs, restMs), "rest");
  };
  /** At most one timer and one write are active; changes made meanwhile are in the next write. */
  const schedule = (ms: number, why: "settle" | "rest"): void => {
    if (timer !== undefined || (writing !== undefined && why === "settle")) return;
    timer = setTimeout(() => {
      timer = undefined;
      if (!changed) return;
      writing = attempt().finally(() => {
        writing = undefined;
      });
    }, ms);
    timer.unref();
  };

  await write();
  mdb.onChanged(() => {
    changed = true;
    schedule(settleMs, "settle");
  });
  log("info", "wrote the Dominator's MDB", { path, machines: mdb.machines() });
  return {
    figures: () => ({ writes, failures, ...(lastWriteAtMs === undefined ? {} : { lastWriteAtMs }) }),
    [Symbol.asyncDispose]: async () => {
      mdb.onChanged(() => {});
      await writing;
      clearTimeout(timer);
      if (changed) await write().catch((cause: unknown) => log("error", failed, { path, cause }));
    },
  };
}
