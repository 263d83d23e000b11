import { openConsole } from "../device/console.ts";
import { mountKernelFileSystems } from "../device/mounts.ts";
import { startWatchdog } from "../watchdog/watchdog-feed.ts";
import { beBorn } from "./birth.ts";
import { newBirthContext } from "./birth-context.ts";
import { failAndRestart } from "./failure.ts";

/** PID 1 from the start of the kernel to the hand-over, or to the restart after a failure. */
export function runInit(): never {
  mountKernelFileSystems();
  const context = newBirthContext(openConsole(), startWatchdog());
  try {
    beBorn(context);
  } catch (error) {
    failAndRestart(error, context);
  }
}
