import { type BirthStepId, birthSteps } from "../../core/birth/birth-step.ts";
import type { Console } from "../device/console.ts";
import type { WatchdogFeed } from "../watchdog/watchdog-feed.ts";
import type { Session } from "./session.ts";

/** What is known of this machine so far; a failure report needs it. */
export type Progress = {
  /** The current step, and its name on console and record; during a burn-in the name includes the test. */
  step: { readonly id: BirthStepId; readonly name: string };
  identity: readonly string[];
  retrySeconds: number;
  session?: Session;
};

/** The context of every stage of a birth. */
export type BirthContext = {
  readonly console: Console;
  readonly watchdog: WatchdogFeed;
  readonly progress: Progress;
  /** Runs one named step; the watchdog resets the machine when it takes longer than `seconds`. */
  readonly runStep: <Result>(step: BirthStepId, seconds: number, work: () => Result) => Result;
};

/** The context before anything is known. */
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
