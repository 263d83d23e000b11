import * as host from "host";
import { clockForTls } from "../../core/birth/clock-for-tls.ts";
import { certificateStartMs } from "../../core/birth/earliest-time.ts";
import type { Log } from "../../core/ports.ts";
import { messageOf } from "../birth/stop.ts";
import { clock } from "../system/clock.ts";

const hardwareClock = "/dev/rtc0";

/** Sets a clock outside every certificate's validity to the boot script's time, so that TLS can begin. */
export function setClockForTls(caPem: string, serverMs: number | undefined, log: Log): void {
  const clockMs = clock.nowMs();
  const toMs = clockForTls({ clockMs, serverMs, certificateStartMs: certificateStartMs(caPem) });
  if (toMs === undefined) return;
  const iso = (ms: number) => new Date(ms).toISOString();
  log("warn", "clock set because it was wrong", { from: iso(clockMs), to: iso(toMs) });
  host.setTime(toMs);
}

/** Sets the machine's clock to the MDB's time, and the board's clock too, so that the next boot starts with it. */
export function setClock(nowMs: number, log: Log): void {
  const wrongMs = clock.nowMs() - nowMs;
  host.setTime(nowMs);
  log("info", "clock set to the MDB's time", { correctionMs: wrongMs });
  try {
    host.setHardwareClock(hardwareClock, nowMs);
  } catch (error) {
    log("warn", "setting the board's clock failed", { fault: messageOf(error) });
  }
}
