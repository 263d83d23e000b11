import * as host from "host";
import * as os from "os";
import { restartHardwareSeconds } from "../../core/birth/watchdog.ts";
import { exists } from "../system/files.ts";
import type { SubContext } from "./sub-context.ts";

const device = "/dev/watchdog";
/** Longer than the agent's longest operation between two pets: a network time-out, hashing a large file. */
const hardwareSeconds = 120;
const petEveryMs = 5000;

/** The extra duties of PID 1; a service has none. */
export type PidOneDuties = Pick<SubContext, "alive" | "allowForRestart">;

/** The duties of a service. */
export const noDuties: PidOneDuties = { alive: () => undefined, allowForRestart: () => undefined };

/** Whether this process is PID 1: the machine was just born and nothing else runs. */
export function isPidOne(): boolean {
  return os.readlink("/proc/self")[0] === "1";
}

/**
 * The duties of PID 1, to be carried out often: reap orphaned children, and pet the hardware watchdog, which init
 * released at the hand-over. It stays armed at the end, so that a hanging restart ends in a reset
 * (core/modules/parameters.ts).
 */
export function pidOneDuties(): PidOneDuties {
  const watchdog = exists(device) ? os.open(device, os.O_WRONLY) : -1;
  requestTimeout(watchdog, hardwareSeconds);
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
    allowForRestart: () => requestTimeout(watchdog, restartHardwareSeconds),
  };
}

function requestTimeout(watchdog: number, seconds: number): void {
  if (watchdog < 0) return;
  try {
    host.watchdogTimeout(watchdog, seconds);
  } catch {
    // The hardware keeps its own time-out; petting every few seconds suits any.
  }
}
