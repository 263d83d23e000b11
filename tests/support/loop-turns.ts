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

/**
 * The least of several runs. What is in the work itself is in each run; a garbage collection or a compilation is not.
 */
export async function usualLongestTurnMs(work: () => Promise<unknown>, tries = 4): Promise<number> {
  const found: number[] = [];
  for (let attempt = 0; attempt < tries; attempt += 1) found.push(await longestTurnMs(work));
  return Math.min(...found);
}
