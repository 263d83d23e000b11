import { isAhead } from "../../core/clock-jump.ts";
import {
  type DeclinedAddress,
  type DeclinedAddresses,
  declinedDocument,
  declinedIn,
  declinedMs,
  declinedToDrop,
} from "../../core/dhcp/pool/declined.ts";
import { formatIpv4, type Ipv4 } from "../../core/net/ipv4.ts";
import type { Mac } from "../../core/net/mac.ts";
import type { Clock, Log, Store } from "../../core/ports.ts";
import type { DocumentOf } from "../../core/store/stored-documents.ts";

/** The addresses that are unused because a client declined them: on this server, on another, or before a restart. */
export type DeclinedBook = {
  readonly has: (address: Ipv4) => boolean;
  /** Stops the use of an address: here at once, on other servers once it is written. */
  readonly add: (address: Ipv4, mac: Mac) => void;
  readonly list: () => readonly DeclinedAddress[];
};

/** Opens the book of the Store's documents, and drops expired ones. */
export function openDeclinedBook(deps: {
  readonly store: Pick<Store, "documents" | "putDocument" | "dropDocument">;
  readonly clock: Clock;
  readonly log: Log;
}): DeclinedBook {
  const { store, clock, log } = deps;
  /** Addresses declined here: known before they are durable, and even if writing them fails. */
  const here = new Map<Ipv4, DeclinedAddress>();
  let read:
    | { readonly documents: readonly DocumentOf<"declinedAddress">[]; readonly declined: DeclinedAddresses }
    | undefined;

  /** Rebuilt only when the documents have changed, because it is read with every packet. */
  function written(): DeclinedAddresses {
    const documents = store.documents("declinedAddress");
    if (read?.documents !== documents) read = { documents, declined: declinedIn(documents) };
    return read.declined;
  }
  const untilMs = (address: Ipv4): number =>
    Math.max(here.get(address)?.untilMs ?? 0, written().get(address)?.untilMs ?? 0);
  const has = (address: Ipv4): boolean => {
    const until = untilMs(address);
    return until > clock.nowMs() && !isAhead(until - declinedMs, clock.nowMs());
  };

  function keep(write: Promise<void>, address: Ipv4): void {
    write.catch((error: unknown) =>
      log("error", "recording a declined address failed", { address: formatIpv4(address), error: String(error) }),
    );
  }
  function tidy(): void {
    const nowMs = clock.nowMs();
    for (const address of declinedToDrop(here.values(), nowMs)) here.delete(address);
    for (const address of declinedToDrop(written().values(), nowMs))
      keep(store.dropDocument({ kind: "declinedAddress", key: formatIpv4(address) }), address);
  }

  tidy();
  return {
    has,
    add: (address, mac) => {
      const entry = { address, mac, untilMs: clock.nowMs() + declinedMs };
      here.set(address, entry);
      tidy();
      keep(store.putDocument(declinedDocument(entry)), address);
    },
    list: () =>
      [...new Map([...written(), ...here]).values()]
        .filter(({ address }) => has(address))
        .map((entry) => ({ ...entry, untilMs: untilMs(entry.address) }))
        .sort((a, b) => a.address - b.address),
  };
}
