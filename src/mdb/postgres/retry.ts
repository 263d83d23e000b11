import { setTimeout as sleep } from "node:timers/promises";
import type { Clock, Log } from "../../core/ports.ts";
import { isPassing } from "./session.ts";

const firstPauseMs = 50;
const longestPauseMs = 2000;

/** Tries until it succeeds, fails for good, or patience is at its end; `end` makes all that wait fail now. */
export type Insist = (<T>(what: string, attempt: () => Promise<T>) => Promise<T>) & { readonly end: () => void };

/** Keeps trying what failed because the connection or the server went: with growing pauses, as long as `patienceMs`. */
export function retry(deps: {
  readonly clock: Clock;
  readonly log: Log;
  readonly retryMs: number;
  readonly name: string;
}): Insist {
  const { clock, log, retryMs, name } = deps;
  const ended = new AbortController();
  const insist = async <T>(what: string, attempt: () => Promise<T>): Promise<T> => {
    const beganMs = clock.monotonicMs();
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      try {
        const done = await attempt();
        if (pauseMs > firstPauseMs) log("info", "the database answers again", { database: name });
        return done;
      } catch (cause) {
        if (!isPassing(cause)) throw cause;
        if (ended.signal.aborted) throw new Error(`the machine database ${name} is closed`, { cause });
        if (clock.monotonicMs() - beganMs + pauseMs > retryMs) {
          const seconds = Math.round(retryMs / 1000);
          throw new Error(
            `the machine database ${name} could not be ${what} for ${seconds} s: see whether its server runs and can be reached`,
            { cause },
          );
        }
        if (pauseMs === firstPauseMs)
          log("warn", "the database does not answer; trying again", { database: name, cause });
        await sleep(pauseMs, undefined, { signal: ended.signal }).catch(() => undefined);
      }
    }
  };
  return Object.assign(insist, { end: () => ended.abort() });
}
