/** The configuration tool: PID 1 of the Bootstrap Image. It is born with the machine and ends as subd, or starts again. */
import { beBorn } from "./birth/birth.ts";
import { newBirthContext } from "./birth/birth-context.ts";
import { failAndStartAgain } from "./birth/failure.ts";
import { openConsole } from "./device/console.ts";
import { mountKernelFileSystems } from "./device/mounts.ts";
import { startWatchdog } from "./watchdog/watchdog-feed.ts";

mountKernelFileSystems();
const context = newBirthContext(openConsole(), startWatchdog());
try {
  beBorn(context);
} catch (error) {
  failAndStartAgain(error, context);
}
