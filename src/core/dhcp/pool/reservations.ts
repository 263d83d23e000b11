import type { Ipv4 } from "../../net/ipv4.ts";
import type { Mac } from "../../net/mac.ts";
import { putNewest } from "../../newest.ts";
import type { Holder } from "./address-pool.ts";

/**
 * Addresses that are promised but not yet on any record: between OFFER and record two clients must never be offered
 * the same one (netboot.md Q21). Kept in memory only: a restart forgets offers, which is harmless.
 */
export type Reservations = Map<Ipv4, Reservation>;

type Reservation = { readonly holder: Extract<Holder, { kind: "machine" }>; readonly untilMs: number };

/** No more than this many are kept; the oldest go first. A flood of invented MACs must not eat the memory. */
const reservationLimit = 65_536;

/** How long an offer is kept for its client: longer than the 60 s for which EDK2 asks (netboot.md §1.3). */
export const offerMs = 120_000;

/** Who an address is reserved for at a moment. */
export function reservedFor(reservations: Reservations, address: Ipv4, nowMs: number): Holder | undefined {
  const found = reservations.get(address);
  return found !== undefined && found.untilMs > nowMs ? found.holder : undefined;
}

/** Keeps an address for one who was offered it, or has it for `leaseMs`; never for a shorter time than before. */
export function reserveFor(
  reservations: Reservations,
  address: Ipv4,
  promise: { readonly mac: Mac; readonly leaseMs: number; readonly nowMs: number },
): void {
  const { mac, leaseMs, nowMs } = promise;
  const before = reservations.get(address);
  const standing = before?.holder.mac === mac ? before.untilMs : 0;
  const entry: Reservation = { holder: { kind: "machine", mac }, untilMs: Math.max(standing, nowMs + leaseMs) };
  putNewest(reservations, [address, entry], reservationLimit);
}
