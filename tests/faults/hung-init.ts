// An init that hangs in its first step, for hung.test.ts: the real watchdog process must let the hardware reset it.
import { mountKernelFileSystems } from "../../src/init/device/mounts.ts";
import { runOrThrow } from "../../src/init/system/run.ts";
import { startWatchdog } from "../../src/init/watchdog/watchdog-feed.ts";

mountKernelFileSystems();
runOrThrow(["/usr/sbin/modprobe", "i6300esb"]);
const watchdog = startWatchdog();
watchdog.step("hang on purpose", 2);
for (;;);
