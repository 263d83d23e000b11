import { formatIpv4, type Ipv4, parseIpv4 } from "../../net/ipv4.ts";
import type { Mac } from "../../net/mac.ts";

/** A declined address, which is not leased until `untilMs` because this client found another host there (DHCPDECLINE). */
export type DeclinedAddress = { readonly address: Ipv4; readonly mac: Mac; readonly untilMs: number };

/** Declined addresses, each once. */
export type DeclinedAddresses = ReadonlyMap<Ipv4, DeclinedAddress>;

/** How long a declined address is not leased. */
export const declinedMs = 3_600_000;

/** Maximum number of declined addresses; the one that expires first is dropped first. */
export const declinedLimit = 4096;

/** The document in which the Store keeps one, so that a restart, and other servers on the database, know of it. */
export function declinedDocument({ address, mac, untilMs }: DeclinedAddress) {
  return { kind: "declinedAddress", key: formatIpv4(address), document: { mac, untilMs } } as const;
}

type DeclinedDocument = { readonly key: string; readonly document: Pick<DeclinedAddress, "mac" | "untilMs"> };

/** The declined addresses in these documents. */
export function declinedIn(documents: readonly DeclinedDocument[]): DeclinedAddresses {
  const found = new Map<Ipv4, DeclinedAddress>();
  for (const { key, document } of documents) {
    const address = parseIpv4(key);
    if (address !== undefined) found.set(address, { address, ...document });
  }
  return found;
}

/** The addresses to drop: expired, or beyond the limit. */
export function declinedToDrop(declined: Iterable<DeclinedAddress>, nowMs: number): readonly Ipv4[] {
  const oldestFirst = [...declined].sort((a, b) => a.untilMs - b.untilMs);
  const tooMany = oldestFirst.length - declinedLimit;
  return oldestFirst.filter(({ untilMs }, index) => untilMs <= nowMs || index < tooMany).map(({ address }) => address);
}
