import * as host from "host";
import { certificateStartMs } from "../core/install/earliest-time.ts";
import type { Log } from "../core/ports.ts";
import { clock } from "./system/clock.ts";

/** A clock that stands before the CA's birth is wrong (its battery is dead): it is set to that, so that TLS can begin. */
export function setClockForTls(caPem: string, log: Log): void {
  const startMs = certificateStartMs(caPem);
  if (startMs === undefined || clock.nowMs() >= startMs) return;
  log("warn", "the clock stands before the CA certificate, setting it", { to: new Date(startMs).toISOString() });
  host.setTime(startMs);
}

/** From here on the machine has the MDB's time. */
export function setClock(nowMs: number, log: Log): void {
  const wrongMs = clock.nowMs() - nowMs;
  host.setTime(nowMs);
  log("info", "clock set by the MDB", { wasWrongByMs: wrongMs });
}
