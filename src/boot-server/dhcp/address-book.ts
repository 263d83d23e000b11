import { setImmediate as nextTurn } from "node:timers/promises";
import { type Holder, poolContains } from "../../core/dhcp/pool/address-pool.ts";
import type { DeclinedAddress } from "../../core/dhcp/pool/declined.ts";
import { type Reservations, reservedFor, reserveFor } from "../../core/dhcp/pool/reservations.ts";
import { isDisputed } from "../../core/machine/life/move.ts";
import type { Machine } from "../../core/machine/record.ts";
import { hasVanished, vanishedAfterMs } from "../../core/machine/temporary-address.ts";
import type { Ipv4 } from "../../core/net/ipv4.ts";
import type { Mac } from "../../core/net/mac.ts";
import { type Network, networkContains } from "../../core/network/network.ts";
import { putNewest } from "../../core/newest.ts";
import type { Clock, Log, Store } from "../../core/ports.ts";
import { openDeclinedBook } from "./declined-addresses.ts";

/** The holder of each address: from the records, and from offers that are in no record. */
export type AddressBook = {
  /** The holder of an address as one client sees it: a machine with several NICs counts as that client. */
  readonly holderFor: (mac: Mac | undefined) => (address: Ipv4) => Holder | undefined;
  readonly promise: (address: Ipv4, mac: Mac, leaseMs: number) => void;
  /** Remembers that a client has got an address by ACK, for as long as it may find another host there. */
  readonly give: (address: Ipv4, mac: Mac) => void;
  readonly wasGiven: (address: Ipv4, mac: Mac) => boolean;
  readonly decline: (address: Ipv4, mac: Mac) => void;
  /**
   * Returns addresses of vanished machines to the pool, those not heard for longest first; resolves with their number.
   */
  readonly returnVanished: (network: Network) => Promise<number>;
  readonly declinedOf: (network: Network) => readonly DeclinedAddress[];
  /** Number of addresses in the pool that are unusable. */
  readonly heldOf: (network: Network) => number;
};

/** Addresses returned at once: enough for a rack that powers on, few enough to be one short pause. */
const returnLimit = 256;

/** A client that got an address looks for another host there at once: ARP probes take some seconds (RFC 5227: 9 at most). */
const givenMs = 30_000;
/** Clients remembered; beyond it the oldest are forgotten, and their DECLINE does not count. */
const givenLimit = 65_536;

const isDeclined: Holder = { kind: "declined" };

/** A book over the records of a store. */
export function openAddressBook(deps: {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
}): AddressBook {
  const { store, clock } = deps;
  const reservations: Reservations = new Map();
  const declined = openDeclinedBook(deps);
  const openedAtMs = clock.monotonicMs();
  const given = new Map<Mac, { readonly address: Ipv4; readonly atMs: number }>();

  function holderFor(mac: Mac | undefined): (address: Ipv4) => Holder | undefined {
    return (address) => {
      if (declined.has(address)) return isDeclined;
      const reserved = reservedFor(reservations, address, clock.monotonicMs());
      const recorded = store.byAddress(address);
      const macs = recorded?.macs ?? store.unreadableWith({ address })?.macs ?? [];
      const isOwn = mac !== undefined && macs.includes(mac) && !(recorded !== undefined && isDisputed(recorded, mac));
      const holder = isOwn ? mac : macs[0];
      return holder === undefined ? reserved : { kind: "machine", mac: holder };
    };
  }

  async function returnVanished(network: Network): Promise<number> {
    // Renewals are only in memory: after a start no machine counts as vanished before all had time to renew.
    if (clock.monotonicMs() - openedAtMs < vanishedAfterMs) return 0;
    const gone = (await vanishedIn(store.list(), network, clock.nowMs())).filter(({ machine, address }) => {
      const now = store.get(machine.id);
      const isGone = now !== undefined && now.temporaryAddress === address && hasVanished(now, clock.nowMs());
      return isGone && reservedFor(reservations, address, clock.monotonicMs()) === undefined;
    });
    const outcomes = await Promise.all(
      gone.map(({ machine, address }) => store.apply({ kind: "addressReturned", id: machine.id, address })),
    );
    return outcomes.filter(({ kind }) => kind === "changed").length;
  }

  /** The addresses that an offer or a refusal holds; some are in records as well. */
  function addressesBesideRecords(nowMs: number): ReadonlySet<Ipv4> {
    const offered = [...reservations.keys()].filter(
      (address) => reservedFor(reservations, address, nowMs) !== undefined,
    );
    return new Set([...declined.list().map(({ address }) => address), ...offered]);
  }

  return {
    holderFor,
    promise: (address, mac, leaseMs) => reserveFor(reservations, address, { mac, leaseMs, nowMs: clock.monotonicMs() }),
    give: (address, mac) => putNewest(given, [mac, { address, atMs: clock.monotonicMs() }], givenLimit),
    wasGiven: (address, mac) => {
      const last = given.get(mac);
      return last?.address === address && clock.monotonicMs() - last.atMs < givenMs;
    },
    decline: declined.add,
    returnVanished,
    declinedOf: (network) => declined.list().filter(({ address }) => networkContains(network, address)),
    heldOf: ({ temporaryPool }) => {
      let held = store.countAddresses(temporaryPool.first, temporaryPool.last);
      for (const address of addressesBesideRecords(clock.monotonicMs()))
        if (poolContains(temporaryPool, address) && store.byAddress(address) === undefined) held += 1;
      return held;
    },
  };
}

/** Records looked at in one turn of the event loop, a fraction of a millisecond. */
const looksAtOnce = 2000;

type Vanished = { readonly machine: Machine; readonly address: Ipv4 };

/** The machines that vanished with an address of the network's pool: those not heard for longest, and no more than are returned. */
async function vanishedIn(
  machines: readonly Machine[],
  { temporaryPool }: Network,
  nowMs: number,
): Promise<readonly Vanished[]> {
  let oldest: readonly Vanished[] = [];
  // A copy: records come and go between the turns.
  const all = [...machines];
  for (let at = 0; at < all.length; at += looksAtOnce) {
    const found = all.slice(at, at + looksAtOnce).flatMap((machine): Vanished[] => {
      const address = machine.temporaryAddress;
      if (address === undefined || !poolContains(temporaryPool, address) || !hasVanished(machine, nowMs)) return [];
      return [{ machine, address }];
    });
    oldest = [...oldest, ...found].sort(byLastRequest).slice(0, returnLimit);
    await nextTurn();
  }
  return oldest;
}

function byLastRequest(a: Vanished, b: Vanished): number {
  return a.machine.pxe.lastRequestAtMs - b.machine.pxe.lastRequestAtMs;
}
