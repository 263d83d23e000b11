import * as host from "host";
import * as os from "os";
import type { Clock } from "../../core/ports.ts";

/** The machine's clocks. */
export const clock: Clock = { nowMs: () => Date.now(), monotonicMs: () => host.monotonicMs() };

/** Sleeps; the watchdog is petted by another process. */
export function sleepMs(milliseconds: number): void {
  os.sleep(milliseconds);
}
