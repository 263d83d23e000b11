import { PerformanceObserver, performance } from "node:perf_hooks";
import { setImmediate as nextTurn } from "node:timers/promises";

/** CPU time of this thread so far, in milliseconds. A busy machine makes a turn longer, but not its CPU time. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** A turn of the event loop, by the clock of `performance.now`, and the CPU time that it used. */
type Turn = { readonly startMs: number; readonly endMs: number; readonly cpuMs: number };

/** Shorter turns are not worth keeping. */
const keptMs = 1;

/**
 * CPU milliseconds of the longest turn of the event loop while some work was done, without the garbage collections in
 * it: they depend on what else is in memory.
 */
export async function longestTurnMs(work: () => Promise<unknown>): Promise<number> {
  const kept: Turn[] = [];
  const collections: Collection[] = [];
  const observer = new PerformanceObserver((list) => void collections.push(...list.getEntries()));
  observer.observe({ entryTypes: ["gc"] });
  let last = { atMs: performance.now(), cpuMs: cpuMs() };
  let ended = false;
  const turn = () => {
    const now = { atMs: performance.now(), cpuMs: cpuMs() };
    const used = now.cpuMs - last.cpuMs;
    if (used >= keptMs) kept.push({ startMs: last.atMs, endMs: now.atMs, cpuMs: used });
    last = now;
    if (!ended) setImmediate(turn);
  };
  setImmediate(turn);
  try {
    await work();
    // The last part of the work may be in the turn that is not over yet; its collections are reported after it.
    await nextTurn();
    await nextTurn();
  } finally {
    ended = true;
    collections.push(...observer.takeRecords());
    observer.disconnect();
  }
  return Math.max(0, ...kept.map((one) => workMs(one, collections)));
}

type Collection = { readonly startTime: number; readonly duration: number };

/**
 * CPU milliseconds of a turn without its collections. They are known by the clock, and on a busy machine last longer than they
 * compute: they get the share of the turn's CPU time that they have of its duration. The CPU clock counts in steps, of 4 ms on
 * many kernels, so a turn is charged no more than its duration.
 */
function workMs({ startMs, endMs, cpuMs }: Turn, collections: readonly Collection[]): number {
  let collectedMs = 0;
  // One collection may contain another: each moment counts once.
  let countedUpToMs = startMs;
  for (const { startTime, duration } of [...collections].sort((a, b) => a.startTime - b.startTime)) {
    const untilMs = Math.min(endMs, startTime + duration);
    collectedMs += Math.max(0, untilMs - Math.max(countedUpToMs, startTime));
    countedUpToMs = Math.max(countedUpToMs, untilMs);
  }
  const durationMs = endMs - startMs;
  return Math.min(cpuMs, durationMs) * (1 - collectedMs / durationMs);
}

/** Runs until one is good enough; a compilation or a neighbour on the core does not spoil them all. */
const tries = 10;

/**
 * The least of several runs, and no more runs than it takes to get below `enoughMs`. What is in the work itself is in
 * each run.
 */
export async function leastLongestTurnMs(work: () => Promise<unknown>, enoughMs: number): Promise<number> {
  let leastMs = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < tries && leastMs >= enoughMs; attempt += 1)
    leastMs = Math.min(leastMs, await longestTurnMs(work));
  return leastMs;
}
