import type { NetworkView } from "../../contract/operator/views.ts";
import { poolSize } from "../../core/dhcp/pool/address-pool.ts";
import type { ArpClaims } from "../../core/dhcp/pool/arp-doubt.ts";
import { type Exhaustion, noteRefused } from "../../core/dhcp/pool/exhaustion.ts";
import { formatIpv4 } from "../../core/net/ipv4.ts";
import type { Mac } from "../../core/net/mac.ts";
import type { Network } from "../../core/network/network.ts";
import { admitNewcomer, type Newcomers, newNewcomers } from "../../core/network/newcomer-limit.ts";
import type { Clock, Log, Store } from "../../core/ports.ts";
import type { AddressBook } from "./address-book.ts";
import { type ForeignNamed, type ForeignWatcher, remedy } from "./foreign-watch.ts";

/** What has happened on a network since the start, for operators. */
export type NetworkStatus = {
  readonly network: Network;
  received: number;
  answered: number;
  /** Answers by kind (core/pxe/answer.ts). */
  readonly answers: Map<string, number>;
  /** Unanswered messages, by reason; and bytes that were not a message, by fault. */
  readonly unanswered: Map<string, number>;
  readonly malformed: Map<string, number>;
  exhausted?: Exhaustion;
  newcomers?: Newcomers;
  /** Hosts that answered ARP at addresses of the pool, and the latest answer that was not believed. */
  readonly arpClaims: ArpClaims;
  doubtedArp?: { readonly answers: number; readonly mac: Mac; readonly lastMs: number };
  receiveBufferBytes: number;
  /** Other servers that lease addresses there; absent for relayed networks. */
  watcher?: ForeignWatcher;
};

/** The status of a network on which nothing has happened yet. */
export function newNetworkStatus(network: Network): NetworkStatus {
  const counts = { answers: new Map(), unanswered: new Map(), malformed: new Map() };
  return { network, received: 0, answered: 0, ...counts, arpClaims: new Map(), receiveBufferBytes: 0 };
}

/** Counts one more of a kind. */
export function count(counts: Map<string, number>, kind: string): void {
  counts.set(kind, (counts.get(kind) ?? 0) + 1);
}

/** Whether an unknown machine gets a record; a refusal is logged once a minute. */
export function admitsNewcomer(
  status: NetworkStatus,
  deps: { readonly store: Store; readonly clock: Clock; readonly log: Log; readonly maxMachines: number },
): boolean {
  const { maxMachines } = deps;
  const { name, maxNewMachinesPerMinute: perMinute } = status.network;
  const nowMs = deps.clock.monotonicMs();
  const before = status.newcomers ?? newNewcomers(perMinute, nowMs);
  const load = { perMinute, machines: deps.store.list().length, maxMachines };
  const { newcomers, outcome, say } = admitNewcomer(before, load, nowMs);
  status.newcomers = newcomers;
  if (outcome === "admitted") return true;
  count(status.unanswered, "tooManyNewMachines");
  const [setting, value] =
    outcome === "tooManyMachines" ? ["maxMachines", maxMachines] : ["maxNewMachinesPerMinute", perMinute];
  if (say)
    deps.log("warn", "limit of new machines reached; further unknown machines are ignored, known ones are answered", {
      ...{ network: name, [setting]: value, refused: before.refused + 1 },
      next: `if the machines are real, raise ${setting}; otherwise find the host that sends invented MAC addresses on that wire`,
    });
  return false;
}

/** Records a request that got no address: counted, and logged once per interval. */
export function notePoolExhausted(status: NetworkStatus, size: number, deps: { clock: Clock; log: Log }): void {
  const nowMs = deps.clock.nowMs();
  const { exhaustion, say } = noteRefused(status.exhausted, nowMs);
  status.exhausted = exhaustion;
  if (!say) return;
  deps.log("warn", "address pool exhausted; machines wait for an address", {
    ...{ network: status.network.name, addresses: size, refused: exhaustion.refused },
    forSeconds: Math.round((nowMs - exhaustion.sinceMs) / 1000),
    next: "enlarge temporaryPool; birther networks lists the leases; addresses return an hour after a machine vanished",
  });
}

/** Records that a new client got an address, which ends the exhaustion of a pool. */
export function notePoolServes(status: NetworkStatus, deps: { clock: Clock; log: Log }): void {
  const { exhausted, network } = status;
  if (exhausted === undefined) return;
  delete status.exhausted;
  const forSeconds = Math.round((deps.clock.nowMs() - exhausted.sinceMs) / 1000);
  deps.log("info", "address pool has free addresses again", {
    network: network.name,
    refused: exhausted.refused,
    forSeconds,
  });
}

/** The view of a network for operators. */
export function viewNetworkStatus(status: NetworkStatus, book: AddressBook): NetworkView {
  const { network, exhausted } = status;
  const { temporaryPool: pool } = network;
  return {
    name: network.name,
    ...(network.interface === undefined ? {} : { interface: network.interface }),
    nursery: network.nursery,
    mode: network.mode,
    ...(isServed(status) ? {} : { notServed: remedy }),
    ...viewForeign(status.watcher?.foreign()),
    ...(status.doubtedArp === undefined ? {} : { doubtedArp: status.doubtedArp }),
    pool: {
      ...{
        first: formatIpv4(pool.first),
        last: formatIpv4(pool.last),
        size: poolSize(pool),
        held: book.heldOf(network),
      },
      ...(exhausted === undefined ? {} : { exhaustedSinceMs: exhausted.sinceMs, refused: exhausted.refused }),
    },
    declined: book.declinedOf(network).map((one) => ({ ...one, address: formatIpv4(one.address) })),
    received: status.received,
    answered: status.answered,
    answers: Object.fromEntries(status.answers),
    unanswered: Object.fromEntries(status.unanswered),
    malformed: Object.fromEntries(status.malformed),
    receiveBufferBytes: status.receiveBufferBytes,
  };
}

/** Whether requests are answered, as far as other DHCP servers affect it. */
export function isServed(status: NetworkStatus): boolean {
  return status.watcher?.served() ?? true;
}

function viewForeign(foreign: ForeignNamed | undefined): Pick<NetworkView, "foreignDhcp"> {
  if (foreign === undefined) return {};
  return { foreignDhcp: { ...foreign, address: formatIpv4(foreign.address) } };
}
