import type { ChildProcess } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

/** A program that is started again when it ends. */
export type KeptChild = AsyncDisposable & {
  /** What runs now; undefined between an end and the next start. */
  readonly current: () => ChildProcess | undefined;
};

/** The pause before the next start doubles with each failure, up to the longest. */
const pauses = { firstMs: 1000, longestMs: 60_000 } as const;
/** A program that ran for this long did not fail at its start. */
const stableMs = 60_000;
/** A program that is asked to end and has not done so by then is killed. */
const endMs = 5000;

/**
 * Starts a program, and again whenever it ends, until it is disposed. `onEnd` hears of each end, and how many there have been in a row; its
 * answer "stop" is for good.
 */
export function keepChild(options: {
  readonly start: () => ChildProcess;
  readonly onEnd: (why: string, inARow: number) => "again" | "stop";
}): KeptChild {
  let child: ChildProcess | undefined;
  let failures = 0;
  const stop = new AbortController();

  function start(): void {
    const startedMs = performance.now();
    let started: ChildProcess;
    try {
      started = options.start();
    } catch (error) {
      // Such as a full disk, on which nothing can be written for the program.
      failed(error instanceof Error ? error.message : String(error), startedMs);
      return;
    }
    child = started;
    const end = (why: string) => {
      if (child !== started) return;
      child = undefined;
      killGroup(started);
      failed(why, startedMs);
    };
    started.once("error", (error) => end(error.message));
    started.once("exit", (code, signal) => end(signal === null ? `exit status ${code}` : `signal ${signal}`));
  }
  function failed(why: string, startedMs: number): void {
    if (stop.signal.aborted) return;
    failures = performance.now() - startedMs > stableMs ? 1 : failures + 1;
    if (options.onEnd(why, failures) === "stop") stop.abort();
    else void startLater();
  }
  async function startLater(): Promise<void> {
    const pauseMs = Math.min(pauses.longestMs, pauses.firstMs * 2 ** (failures - 1));
    await sleep(pauseMs, undefined, { signal: stop.signal, ref: false }).catch(() => undefined);
    if (!stop.signal.aborted) start();
  }
  start();
  return {
    current: () => child,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      const last = child;
      if (last === undefined) return;
      const ended = new Promise((resolve) => last.once("exit", resolve));
      if (last.connected) last.disconnect();
      last.kill("SIGTERM");
      const isLate = await Promise.race([ended.then(() => false), sleep(endMs, true, { ref: false })]);
      if (isLate) killGroup(last);
      if (last.exitCode === null && last.signalCode === null) await ended;
    },
  };
}

/** Ends what a program left in its process group, such as workers whose master was killed and that hold its port. */
function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nothing is left.
  }
}
