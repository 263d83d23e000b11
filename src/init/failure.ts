import * as host from "host";
import { adviceFor, failureBanner } from "../core/install/advice.ts";
import type { Ground } from "./ground.ts";
import { messageOf, type Stop } from "./stop.ts";
import { sleepMs } from "./system/clock.ts";

/** The disks get time to write; then the watchdog resets what still hangs. */
const restartSeconds = 60;
const reportSeconds = 180;

/** The end of a birth that failed: told to the MDB, shown on every console, and after a while tried again from power-on. */
export function failAndStartAgain(error: unknown, { console, watchdog, progress }: Ground): never {
  const { step, identity, retrySeconds } = progress;
  const reason = messageOf(error);
  const next = (error as Stop).next ?? adviceFor(step);
  console.log("error", `${step}: ${reason}`);
  watchdog.step("report the failure", reportSeconds);
  progress.session?.failed(step, reason);
  console.show(failureBanner({ step, reason, next, retrySeconds, identity }));
  watchdog.step("wait before the restart", retrySeconds + restartSeconds);
  sleepMs(retrySeconds * 1000);
  watchdog.step("restart", restartSeconds);
  console.show(["restarting"]);
  host.reboot("restart");
}
