/** The configuration tool: PID 1 of the Bootstrap Image. It is born with the machine and ends as subd, or starts again. */
import { beBorn } from "./birth.ts";
import { openConsole } from "./console.ts";
import { failAndStartAgain } from "./failure.ts";
import { newGround } from "./ground.ts";
import { mountKernelFileSystems } from "./mounts.ts";
import { startWatchdog } from "./watchdog-feed.ts";

mountKernelFileSystems();
const ground = newGround(openConsole(), startWatchdog());
try {
  beBorn(ground);
} catch (error) {
  failAndStartAgain(error, ground);
}
