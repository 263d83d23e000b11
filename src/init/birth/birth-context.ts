import type { Console } from "../device/console.ts";
import type { WatchdogFeed } from "../watchdog/watchdog-feed.ts";
import type { Session } from "./session.ts";

/** What is known of this machine so far, for whoever has to say that its birth failed. */
export type Progress = {
  step: string;
  identity: readonly string[];
  retrySeconds: number;
  session?: Session;
};

/** What every stage of a birth stands on. */
export type Ground = {
  readonly console: Console;
  readonly watchdog: WatchdogFeed;
  readonly progress: Progress;
  /** Does one named step; the watchdog resets the machine when it takes longer than so many seconds. */
  readonly doing: <Result>(step: string, seconds: number, work: () => Result) => Result;
};

/** The ground before anything is known. */
export function newGround(console: Console, watchdog: WatchdogFeed): Ground {
  const progress: Progress = { step: "start", identity: [], retrySeconds: 30 };
  return {
    console,
    watchdog,
    progress,
    doing: (step, seconds, work) => {
      progress.step = step;
      watchdog.step(step, seconds);
      console.log("info", step);
      return work();
    },
  };
}
