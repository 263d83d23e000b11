import type { Mac } from "../../core/net/mac.ts";
import { admitRequest, type RequestRates } from "../../core/network/request-rate.ts";
import type { Clock, Log } from "../../core/ports.ts";

/** Requests of one address that change its record, within a minute: a start with two NICs over PXE and HTTP has about ten. */
export const changesPerMinute = 20;
/**
 * Details of requests that are written for all known machines together, within a minute; the rest is only counted. Four thousand
 * machines that start within two minutes stay below it; a host that knows their addresses could have 80,000 written otherwise.
 */
export const fleetDetailsPerMinute = 12_000;
const minuteMs = 60_000;

/** Limits how often packets change a record: anyone can send them in the name of any machine. */
export type ChangeRate = {
  /** Whether a request of this address may change its record now; counts it. */
  readonly allows: (mac: Mac) => boolean;
  /** The same for a request whose answer does not wait for its record, which the limit of all machines can keep from it. */
  readonly allowsDetail: (mac: Mac) => boolean;
};

/** Opens it. Its memory has at most one entry for each address that was written down within the latest minute. */
export function openChangeRate({ clock, log }: { readonly clock: Clock; readonly log: Log }): ChangeRate {
  const counts = new Map<Mac, number>();
  const fleet: RequestRates = new Map();
  let sinceMs = clock.monotonicMs();
  function allowsDetail(mac: Mac): boolean {
    if (!allows(mac)) return false;
    const limit = { perMinute: fleetDetailsPerMinute, nowMs: clock.monotonicMs() };
    const admission = admitRequest(fleet, "all known machines", limit);
    if (admission.kind === "admitted") return true;
    const next = "unless they all restart at once, find out what sends DHCP requests in their names: birther networks";
    if (admission.say) log("warn", "too many DHCP requests of known machines: for now only counted", { next });
    return false;
  }
  function allows(mac: Mac): boolean {
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
  }
  return { allows, allowsDetail };
}
