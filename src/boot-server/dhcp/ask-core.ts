import type { Ipv4 } from "../../core/net/ipv4.ts";
import type { Network } from "../../core/network/network.ts";
import { decideByMode } from "../../core/pxe/decide-by-mode.ts";
import type { DhcpDecision, DhcpQuestion } from "../../core/pxe/decision.ts";
import type { AnswerDeps, ReceivedRequest } from "./exchange.ts";
import { isServed } from "./network-status.ts";
import type { Soon } from "./soon.ts";

/** How long a pool that was found exhausted is not searched again. */
const searchAgainMs = 1000;

/** Pools that were found exhausted, and when each may be searched again, by the monotonic clock. */
export type ExhaustedPools = Map<Network, number>;

/** Core's decision; if the pool is empty, decided once more after addresses of vanished machines were returned. */
export function askCore(deps: AnswerDeps, exhausted: ExhaustedPools, request: ReceivedRequest): Soon<DhcpDecision> {
  const { listener, status, from } = request;
  const { network } = status;
  const clientPort4011 = listener.endpoint.port === 4011 ? from : undefined;
  const nowMs = deps.clock.monotonicMs();
  const poolFull = (exhausted.get(network) ?? 0) > nowMs;
  const decision = decideByMode({ ...questionOf(deps, request), poolFull }, isServed(status), clientPort4011);
  if (poolFull || decision.kind !== "silence" || decision.why !== "poolExhausted") return decision;
  exhausted.set(network, nowMs + searchAgainMs);
  return deps.book.returnVanished(network).then((returned) => {
    if (returned === 0) return decision;
    exhausted.delete(network);
    const facts = { network: network.name, addresses: returned };
    deps.log("info", "returned temporary addresses of vanished machines", facts);
    return decideByMode(questionOf(deps, request), isServed(status));
  });
}

/** All inputs of core's decision at this moment. */
function questionOf(
  { store, localBoots, ports, images, book }: AnswerDeps,
  { status, packet, mac }: ReceivedRequest,
): DhcpQuestion {
  const machine = mac === undefined ? undefined : store.byMac(mac);
  const damaged = mac === undefined || machine !== undefined ? undefined : store.unreadableWith({ mac });
  const unreadable = damaged === undefined ? {} : { unreadable: damaged };
  const history = mac === undefined || localBoots === undefined ? {} : { history: localBoots.historyOf(mac, machine) };
  const givenTo = (address: Ipv4) => mac !== undefined && book.wasGiven(address, mac);
  const addresses = { holderOf: book.holderFor(mac), recordedIn: store.countAddresses, givenTo };
  const served = images === undefined ? {} : { images };
  return { packet, network: status.network, ports, machine, ...addresses, ...served, ...history, ...unreadable };
}
