import * as host from "host";
import { adviceFor, failureBanner } from "../../core/birth/advice.ts";
import { sleepMs } from "../system/clock.ts";
import type { BirthContext } from "./birth-context.ts";
import { messageOf, type Stop } from "./stop.ts";

/** Time limit of the restart, after the wait. */
const restartSeconds = 60;
/**
 * Time for the watchdog process to read the message; the disks then get time to write, and a hanging machine is reset.
 */
const messageMs = 500;
const reportSeconds = 180;

/**
 * Ends a failed birth: reports to the MDB, shows the reason on every console, and after a pause restarts the machine.
 */
export function failAndRestart(error: unknown, { console, watchdog, progress }: BirthContext): never {
  const { step, identity, retrySeconds } = progress;
  const reason = messageOf(error);
  const next = (error as Stop).next ?? adviceFor(step.id);
  console.log("error", `${step.name}: ${reason}`);
  watchdog.step("report the failure", reportSeconds);
  progress.session?.failed(step.name, reason, (error as Stop).conflict);
  console.show(failureBanner({ step: step.name, reason, next, retrySeconds, identity }));
  watchdog.step("wait before the restart", retrySeconds + restartSeconds);
  sleepMs(retrySeconds * 1000);
  watchdog.restarting();
  console.show(["restarting"]);
  sleepMs(messageMs);
  host.reboot("restart");
}
