import * as host from "host";
import * as os from "os";
import { restartHardwareSeconds } from "../../core/birth/watchdog.ts";
import { exists } from "../system/files.ts";
import type { SubContext } from "./sub-context.ts";

const device = "/dev/watchdog";
/** Longer than the longest single thing the sub does between two signs of life: a time-out of the network, hashing a large file. */
const hardwareSeconds = 120;
const petEveryMs = 5000;

/** What PID 1 owes the machine; the sub that is a service owes nothing. */
export type PidOneDuties = Pick<SubContext, "alive" | "allowForRestart">;

/** Those of a service. */
export const noDuties: PidOneDuties = { alive: () => undefined, allowForRestart: () => undefined };

/** Whether this process is PID 1: the machine has just been born and nothing else runs. */
export function isPidOne(): boolean {
  return os.readlink("/proc/self")[0] === "1";
}

/**
 * The duties of PID 1, to be done often: collect the children that others left behind, and pet the hardware watchdog, which the configuration
 * tool has let go for the hand-over. It stays armed at the end: a restart that hangs is a reset (core/modules/parameters.ts).
 */
export function pidOneDuties(): PidOneDuties {
  const watchdog = exists(device) ? os.open(device, os.O_WRONLY) : -1;
  askFor(watchdog, hardwareSeconds);
  const pet = new Uint8Array([0]);
  let nextMs = 0;
  return {
    alive: () => {
      const nowMs = host.monotonicMs();
      if (nowMs < nextMs) return;
      nextMs = nowMs + petEveryMs;
      if (watchdog >= 0) os.write(watchdog, pet.buffer, 0, 1);
      while (os.waitpid(-1, os.WNOHANG)[0] > 0);
    },
    allowForRestart: () => askFor(watchdog, restartHardwareSeconds),
  };
}

function askFor(watchdog: number, seconds: number): void {
  if (watchdog < 0) return;
  try {
    host.watchdogTimeout(watchdog, seconds);
  } catch {
    // The hardware keeps its own time-out; petting every few seconds suits any.
  }
}
