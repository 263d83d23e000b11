import * as host from "host";
import { clockForTls } from "../../core/birth/clock-for-tls.ts";
import { certificateStartMs } from "../../core/birth/earliest-time.ts";
import type { Log } from "../../core/ports.ts";
import { messageOf } from "../birth/stop.ts";
import { clock } from "../system/clock.ts";

const hardwareClock = "/dev/rtc0";

/** A clock by which no certificate holds is set to the boot script's time, so that TLS can begin. */
export function setClockForTls(caPem: string, serverMs: number | undefined, log: Log): void {
  const clockMs = clock.nowMs();
  const toMs = clockForTls({ clockMs, serverMs, certificateStartMs: certificateStartMs(caPem) });
  if (toMs === undefined) return;
  const iso = (ms: number) => new Date(ms).toISOString();
  log("warn", "the clock is wrong, setting it", { stood: iso(clockMs), to: iso(toMs) });
  host.setTime(toMs);
}

/** From here on the machine has the MDB's time, and so has its board: the next boot begins with it. */
export function setClock(nowMs: number, log: Log): void {
  const wrongMs = clock.nowMs() - nowMs;
  host.setTime(nowMs);
  log("info", "clock set by the MDB", { wasWrongByMs: wrongMs });
  try {
    host.setHardwareClock(hardwareClock, nowMs);
  } catch (error) {
    log("warn", "the board's clock cannot be set", { fault: messageOf(error) });
  }
}
