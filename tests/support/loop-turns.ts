import { setImmediate as nextTurn } from "node:timers/promises";

/** CPU time of this thread so far, in milliseconds. A busy machine makes a turn longer, but not its CPU time. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** CPU milliseconds of the longest turn of the event loop while some work was done. */
export async function longestTurnMs(work: () => Promise<unknown>): Promise<number> {
  let longestMs = 0;
  let lastMs = cpuMs();
  let ended = false;
  const turn = () => {
    const nowMs = cpuMs();
    longestMs = Math.max(longestMs, nowMs - lastMs);
    lastMs = nowMs;
    if (!ended) setImmediate(turn);
  };
  setImmediate(turn);
  try {
    await work();
    // The last part of the work may be in the turn that is not over yet.
    await nextTurn();
    await nextTurn();
  } finally {
    ended = true;
  }
  return longestMs;
}

/** Runs until one is good enough; a garbage collection, a compilation or a neighbour on the core does not spoil them all. */
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
