import { setTimeout as sleep } from "node:timers/promises";
import type { Clock, Log } from "../../core/ports.ts";
import { isPassing } from "./session.ts";

const firstPauseMs = 50;
const longestPauseMs = 2000;

/**
 * Retries until an attempt succeeds, fails permanently, or the time limit is reached; `end` makes all pending attempts
 * fail now.
 */
export type Retry = (<T>(what: string, attempt: () => Promise<T>) => Promise<T>) & { readonly end: () => void };

/**
 * Retries attempts that failed because the connection or the server was lost, with growing pauses, for up to `retryMs`.
 */
export function retry(deps: {
  readonly clock: Clock;
  readonly log: Log;
  readonly retryMs: number;
  readonly name: string;
}): Retry {
  const { clock, log, retryMs, name } = deps;
  const ended = new AbortController();
  const retrying = async <T>(what: string, attempt: () => Promise<T>): Promise<T> => {
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
            `the machine database ${name} could not be ${what} for ${seconds} s; check that its server is running and reachable`,
            { cause },
          );
        }
        if (pauseMs === firstPauseMs) log("warn", "the database does not answer; retrying", { database: name, cause });
        await sleep(pauseMs, undefined, { signal: ended.signal }).catch(() => undefined);
      }
    }
  };
  return Object.assign(retrying, { end: () => ended.abort() });
}
