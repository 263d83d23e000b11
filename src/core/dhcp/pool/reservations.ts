import type { Ipv4 } from "../../net/ipv4.ts";
import type { Mac } from "../../net/mac.ts";
import { putNewest } from "../../newest.ts";
import type { Holder } from "./address-pool.ts";

/**
 * Addresses that are offered but not yet recorded: between OFFER and record, two clients must never get the same offer
 * (netboot.md Q21). Kept only in memory: a restart forgets offers, which is harmless.
 */
export type Reservations = Map<Ipv4, Reservation>;

type Reservation = { readonly holder: Extract<Holder, { kind: "machine" }>; readonly untilMs: number };

/** Maximum number of reservations; the oldest are dropped first. A flood of invented MACs must not exhaust the memory. */
const reservationLimit = 65_536;

/** How long an offer is kept for its client: longer than the 60 s during which EDK2 retries (netboot.md §1.3). */
export const offerMs = 120_000;

/** The holder of a reservation at a given time. */
export function reservedFor(reservations: Reservations, address: Ipv4, nowMs: number): Holder | undefined {
  const found = reservations.get(address);
  return found !== undefined && found.untilMs > nowMs ? found.holder : undefined;
}

/** Reserves an address for a client with an offer, or with a lease of `leaseMs`; never shortens a reservation. */
export function reserveFor(
  reservations: Reservations,
  address: Ipv4,
  promise: { readonly mac: Mac; readonly leaseMs: number; readonly nowMs: number },
): void {
  const { mac, leaseMs, nowMs } = promise;
  const before = reservations.get(address);
  const reservedUntilMs = before?.holder.mac === mac ? before.untilMs : 0;
  const entry: Reservation = { holder: { kind: "machine", mac }, untilMs: Math.max(reservedUntilMs, nowMs + leaseMs) };
  putNewest(reservations, [address, entry], reservationLimit);
}
