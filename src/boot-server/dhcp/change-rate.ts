import type { Mac } from "../../core/net/mac.ts";
import type { Clock, Log } from "../../core/ports.ts";

/** Requests of one address that change its record, within a minute: a start with two NICs over PXE and HTTP has about ten. */
export const changesPerMinute = 20;
const minuteMs = 60_000;

/** Limits how often packets change a record: anyone can send them in the name of any machine. */
export type ChangeRate = {
  /** Whether a request of this address may change its record now; counts it. */
  readonly allows: (mac: Mac) => boolean;
};

/** Opens it. Its memory has at most one entry for each address that was written down within the latest minute. */
export function openChangeRate({ clock, log }: { readonly clock: Clock; readonly log: Log }): ChangeRate {
  const counts = new Map<Mac, number>();
  let sinceMs = clock.monotonicMs();
  return {
    allows: (mac) => {
      const nowMs = clock.monotonicMs();
      if (nowMs - sinceMs >= minuteMs) {
        counts.clear();
        sinceMs = nowMs;
      }
      const count = (counts.get(mac) ?? 0) + 1;
      // One more than the limit, so that it is logged once a minute.
      if (count > changesPerMinute + 1) return false;
      counts.set(mac, count);
      if (count <= changesPerMinute) return true;
      const next = "find out what sends DHCP requests in the name of this machine, with: birther packets";
      log("warn", "too many different DHCP requests of one address: not recorded for a minute", { mac, next });
      return false;
    },
  };
}
