import * as host from "host";
import { sleepMs } from "../system/clock.ts";
import { exists } from "../system/files.ts";
import { run } from "../system/run.ts";
import { isPidOne } from "./pid-one.ts";
import type { SubContext } from "./sub-context.ts";

/** How long an orderly shutdown may take before the machine is restarted without it. */
const shutdownSeconds = 120;

/** Restarts the machine: through its init where there is one, else at once with the file-systems of the boot loader at rest. */
export function restart({
  root,
  log,
  alive,
  allowForRestart,
}: Pick<SubContext, "root" | "log" | "alive" | "allowForRestart">): never {
  if (root !== "") throw new Error(`${root} is not the root of this machine: it is not restarted for it`);
  log("info", "restarting the machine");
  if (!isPidOne() && exists("/run/systemd/system")) {
    try {
      if (run(["systemctl", "reboot"], { timeoutSeconds: 30 }).status === 0) {
        for (let second = 0; second < shutdownSeconds; second += 1) {
          alive();
          sleepMs(1000);
        }
      }
    } catch (error) {
      log("warn", "systemctl did not restart the machine", { error: String(error) });
    }
  }
  host.sync();
  for (const path of ["/boot/efi", "/boot"]) {
    try {
      host.unmount(path, 0);
    } catch (error) {
      log("debug", "not unmounted", { path, error: String(error) });
    }
  }
  allowForRestart();
  host.reboot("restart");
}
