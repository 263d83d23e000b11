import { type BirthStepId, birthSteps } from "../../core/birth/birth-step.ts";
import type { Console } from "../device/console.ts";
import type { WatchdogFeed } from "../watchdog/watchdog-feed.ts";
import type { Session } from "./session.ts";

/** What is known of this machine so far, for whoever has to say that its birth failed. */
export type Progress = {
  /** The step that runs, and its name on console and record: that of a burn-in has the test. */
  step: { readonly id: BirthStepId; readonly name: string };
  identity: readonly string[];
  retrySeconds: number;
  session?: Session;
};

/** What every stage of a birth stands on. */
export type BirthContext = {
  readonly console: Console;
  readonly watchdog: WatchdogFeed;
  readonly progress: Progress;
  /** Does one named step; the watchdog resets the machine when it takes longer than so many seconds. */
  readonly runStep: <Result>(step: BirthStepId, seconds: number, work: () => Result) => Result;
};

/** The ground before anything is known. */
export function newBirthContext(console: Console, watchdog: WatchdogFeed): BirthContext {
  const progress: Progress = { step: { id: "start", name: birthSteps.start }, identity: [], retrySeconds: 30 };
  return {
    console,
    watchdog,
    progress,
    runStep: (id, seconds, work) => {
      const name = birthSteps[id];
      progress.step = { id, name };
      watchdog.step(name, seconds);
      console.log("info", name);
      return work();
    },
  };
}
