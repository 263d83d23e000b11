import * as host from "host";
import { adviceFor, failureBanner } from "../../core/birth/advice.ts";
import { sleepMs } from "../system/clock.ts";
import type { BirthContext } from "./birth-context.ts";
import { messageOf, type Stop } from "./stop.ts";

/** Until the restart, after the wait. */
const restartSeconds = 60;
/** The watchdog process takes the word; the disks then get time to write, and what still hangs is reset. */
const wordMs = 500;
const reportSeconds = 180;

/** The end of a birth that failed: told to the MDB, shown on every console, and after a while tried again from power-on. */
export function failAndStartAgain(error: unknown, { console, watchdog, progress }: BirthContext): never {
  const { step, identity, retrySeconds } = progress;
  const reason = messageOf(error);
  const next = (error as Stop).next ?? adviceFor(step.id);
  console.log("error", `${step.name}: ${reason}`);
  watchdog.step("report the failure", reportSeconds);
  progress.session?.failed(step.name, reason);
  console.show(failureBanner({ step: step.name, reason, next, retrySeconds, identity }));
  watchdog.step("wait before the restart", retrySeconds + restartSeconds);
  sleepMs(retrySeconds * 1000);
  watchdog.restarting();
  console.show(["restarting"]);
  sleepMs(wordMs);
  host.reboot("restart");
}
