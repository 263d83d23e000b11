import * as host from "host";
import { rootPaths } from "../../core/install/paths.ts";
import { sleepMs } from "../system/clock.ts";
import { exists } from "../system/files.ts";
import { run } from "../system/run.ts";
import { agentPaths } from "./paths.ts";
import { isPidOne } from "./pid-one.ts";
import type { SubContext } from "./sub-context.ts";

/** Time limit of an orderly shutdown; after it the machine is restarted at once. */
const shutdownSeconds = 120;

/**
 * Restarts the machine through its init if one runs; otherwise at once, after flushing the boot loader's file systems.
 */
export function restart({
  root,
  log,
  alive,
  allowForRestart,
}: Pick<SubContext, "root" | "log" | "alive" | "allowForRestart">): never {
  if (root !== "") throw new Error(`restart for ${root}: expected the root of this machine, found another directory`);
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
      log("warn", "restarting through systemctl failed; restarting directly", { error: String(error) });
    }
  }
  host.sync();
  for (const path of [
    ...[rootPaths.esp, rootPaths.mirrorEsp],
    ...[rootPaths.bootPartition, rootPaths.mirrorBootPartition, agentPaths.boot],
  ]) {
    try {
      host.unmount(path, 0);
    } catch (error) {
      log("debug", "not unmounted", { path, error: String(error) });
    }
  }
  allowForRestart();
  host.reboot("restart");
}
