import { poolSize } from "../../core/dhcp/pool/address-pool.ts";
import { believeClaim } from "../../core/dhcp/pool/arp-doubt.ts";
import { offerMs } from "../../core/dhcp/pool/reservations.ts";
import type { Machine } from "../../core/machine/record.ts";
import { formatIpv4, type Ipv4, noAddress } from "../../core/net/ipv4.ts";
import type { Mac } from "../../core/net/mac.ts";
import { putNewest } from "../../core/newest.ts";
import type { DhcpDecision } from "../../core/pxe/decision.ts";
import type { AnswerDeps, DecisionOf, ReceivedRequest } from "./exchange.ts";
import { type NetworkStatus, notePoolServes } from "./network-status.ts";
import type { Soon } from "./soon.ts";

/** Addresses tried for one request: others at work in the pool's range are a mistake of the site, not a few strays. */
const tries = 8;
const clearedLimit = 65_536;

/** Offers of addresses at which nobody answered a moment ago, and until when they need no further question. */
export type ClearedOffers = Map<Ipv4, { readonly mac: Mac; readonly untilMs: number }>;

/**
 * Core's decision, whose temporary address no other host on the wire uses (RFC 2131 §2.2): asked by ARP before it is
 * offered for the first time; one that is in use counts as declined, and core decides again. Behind a relay nobody can
 * be asked.
 */
export function decideUnused(
  deps: AnswerDeps,
  { request, cleared }: { readonly request: ReceivedRequest; readonly cleared: ClearedOffers },
  ask: () => Soon<DhcpDecision>,
): Soon<DhcpDecision> {
  const decision = ask();
  if (decision instanceof Promise) return decision.then((later) => tryAddresses(later));
  return newOfferOf(decision) === undefined ? decision : tryAddresses(decision);

  function newOfferOf(made: DhcpDecision): { readonly address: Ipv4; readonly mac: Mac } | undefined {
    const { mac, packet, listener } = request;
    const address = made.kind === "reply" && isOffer(made) ? made.reserve : undefined;
    if (address === undefined || mac === undefined || listener.probe?.canAsk() !== true) return undefined;
    if (packet.giaddr !== noAddress) return undefined;
    // Its own since an earlier boot: a stranger who answers must not take it.
    if (deps.store.byMac(mac)?.temporaryAddress === address) return undefined;
    const last = cleared.get(address);
    return last?.mac === mac && last.untilMs > deps.clock.monotonicMs() ? undefined : { address, mac };
  }

  async function tryAddresses(first: DhcpDecision): Promise<DhcpDecision> {
    let made = first;
    for (let tried = 0; tried < tries; tried += 1) {
      const offer = newOfferOf(made);
      if (offer === undefined) return made;
      // Reserved while the wire is asked, so that no other client is offered it.
      promise(deps, request.status, { ...offer, leaseMs: offerMs });
      const other = await request.listener.probe?.hostAt(offer.address);
      const isFree = other === undefined || isItself(other, offer.mac, deps.store.byMac(offer.mac));
      if (isFree || !isBelieved(offer.address, other)) {
        putNewest(
          cleared,
          [offer.address, { mac: offer.mac, untilMs: deps.clock.monotonicMs() + offerMs }],
          clearedLimit,
        );
        return made;
      }
      noteUsed(offer, other);
      made = await ask();
    }
    return made;
  }

  /** Whether the answer of a host counts; one that answers for many addresses would exhaust the pool. */
  function isBelieved(address: Ipv4, other: Mac): boolean {
    const { status } = request;
    const { network, arpClaims, doubtedArp } = status;
    const claim = { poolSize: poolSize(network.temporaryPool), nowMs: deps.clock.monotonicMs() };
    if (believeClaim(arpClaims, other, claim)) return true;
    status.doubtedArp = { answers: (doubtedArp?.answers ?? 0) + 1, mac: other, lastMs: deps.clock.nowMs() };
    if (doubtedArp === undefined || Math.abs(deps.clock.nowMs() - doubtedArp.lastMs) > 60_000)
      deps.log("warn", "answers to ARP for addresses of the pool are no longer believed: a host answers for too many", {
        ...{ network: network.name, address: formatIpv4(address), other },
        next: "find that host on the wire: it does proxy ARP, or attacks; machines that find it at their address cannot be born",
      });
    return false;
  }

  function noteUsed({ address, mac }: { readonly address: Ipv4; readonly mac: Mac }, other: Mac): void {
    deps.book.decline(address, mac);
    deps.log("warn", "temporary address not offered: another host uses it", {
      ...{ network: request.status.network.name, address: formatIpv4(address), other },
      next: `give that host another address, or take ${formatIpv4(address)} out of the network's pool`,
    });
  }
}

/** Whether the host that answers at an address is the client that has or gets it, perhaps by another of its NICs. */
export function isItself(other: Mac, mac: Mac, machine: Pick<Machine, "macs"> | undefined): boolean {
  return other === mac || machine?.macs.includes(other) === true;
}

/** Reserves a temporary address for a client, until its record holds it. */
export function promise(
  deps: AnswerDeps,
  status: NetworkStatus,
  { address, mac, leaseMs }: { readonly address: Ipv4; readonly mac: Mac; readonly leaseMs: number },
): void {
  if (deps.book.holderFor(mac)(address) === undefined) notePoolServes(status, deps);
  deps.book.promise(address, mac, leaseMs);
}

const isOffer = ({ reply }: DecisionOf<"reply">) => reply.options.dhcpMessageType === "offer";
