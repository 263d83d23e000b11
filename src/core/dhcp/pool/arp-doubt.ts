import { isWithin } from "../../clock-jump.ts";
import type { Mac } from "../../net/mac.ts";
import { putNewest } from "../../newest.ts";

/** Hosts whose answers at addresses of a pool were believed: how often in the hour since their first one. */
export type ArpClaims = Map<Mac, { readonly addresses: number; readonly sinceMs: number }>;

/** A host with a stray address or two is a mistake of the site; one that answers for more answers for every address. */
const addressesPerHost = 4;
/** All hosts together take out this share of a pool, or a few addresses of a small one. */
const shareOfPool = 4;
const leastInTotal = 8;
const hourMs = 3_600_000;
const hostLimit = 1024;

/**
 * Counts a host's answer for one more address of the pool; false if it is not believed: this host, or all of them, have
 * reached their limit within the hour, so someone answers every ARP probe. `nowMs` is monotonic.
 */
export function believeClaim(
  claims: ArpClaims,
  host: Mac,
  of: { readonly poolSize: number; readonly nowMs: number },
): boolean {
  const { poolSize, nowMs } = of;
  for (const [mac, { sinceMs }] of claims) if (!isWithin(hourMs, sinceMs, nowMs)) claims.delete(mac);
  const total = [...claims.values()].reduce((sum, { addresses }) => sum + addresses, 0);
  const before = claims.get(host) ?? { addresses: 0, sinceMs: nowMs };
  const isFull = total >= Math.max(leastInTotal, Math.floor(poolSize / shareOfPool));
  if (before.addresses >= addressesPerHost || isFull) return false;
  putNewest(claims, [host, { ...before, addresses: before.addresses + 1 }], hostLimit);
  return true;
}
