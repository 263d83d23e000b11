import type { Clock, Log } from "../../core/ports.ts";
import type { DominatorMdb } from "./dominator-mdb.ts";
import { replaceFile } from "./replace-file.ts";
import { slicesOf } from "./slices.ts";

/** Changes that come together are written together: a rack that becomes healthy is one file, not forty. */
const settleMs = 200;
/** After a write there is a pause of so many times as long as it took: the file of a large fleet costs at most a twentieth of the time. */
const restShare = 20;
const longestRestMs = 60_000;
/** After a failure (a full disk, a directory that is gone) the next try comes so much later. */
const retryMs = 10_000;

const failed = "the Dominator's MDB could not be written";

/** What became of the file, for the metrics. */
export type DominatorFile = AsyncDisposable & {
  readonly figures: () => { readonly writes: number; readonly failures: number; readonly lastWriteAtMs?: number };
};

/**
 * Keeps a file up with the Dominator's MDB until it is disposed of; then what is still to be written is written. The file
 * is replaced whole: the Dominator's watcher looks at the inode number. Throws when the first write fails.
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
      const next = `the Dominator still reads the old file; see that ${path} can be written. Tried again in ${retryMs / 1000} s`;
      log("error", failed, { path, cause, next });
    }
    schedule(Math.max(settleMs, restMs), "rest");
  };
  /** At most one timer and one write are under way; whatever changes meanwhile is in the next. */
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
  log("info", "the Dominator's MDB is written", { path, machines: mdb.machines() });
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
