import { isWithin } from "../clock-jump.ts";
import { type Endpoint, formatEndpoint, parseEndpoint } from "../net/endpoint.ts";
import type { Ipv4 } from "../net/ipv4.ts";
import { type Network, permanentPart } from "./network.ts";

/** A server of the database, as it records itself for the others: its MDB on each network that it serves. */
export type SiteServer = {
  readonly networks: readonly SiteServerAddresses[];
  /** When it last said that it runs. */
  readonly aliveAtMs: number;
};

/** `ADDRESS:PORT` of a server's MDB on a network, for machines with a temporary address and for those with a permanent one. */
type SiteServerAddresses = { readonly network: string; readonly temporary: string; readonly permanent: string };

/** How often a server says that it runs. */
export const aliveEveryMs = 3_600_000;
/** A server that has said nothing for this time is not named to machines any more. */
const silentMs = 24 * aliveEveryMs;
/** Servers that are named to a machine: each that does not answer costs it a time-out. */
const namedLimit = 8;

/** What a server records of itself. */
export function siteServer(networks: readonly Network[], port: number, nowMs: number): SiteServer {
  const at = (address: Ipv4) => formatEndpoint({ address, port });
  const ofNetwork = (network: Network): SiteServerAddresses => ({
    network: network.name,
    temporary: at(network.serverAddress),
    permanent: at(permanentPart(network).serverAddress),
  });
  return { networks: networks.map(ofNetwork), aliveAtMs: nowMs };
}

/** The servers that run, `ADDRESS:PORT`, as their records are named. */
export function namedServers(
  records: readonly { readonly key: string; readonly document: SiteServer }[],
  nowMs: number,
): readonly string[] {
  const running = records.filter(({ document }) => isWithin(silentMs, document.aliveAtMs, nowMs));
  return running.map(({ key }) => key).slice(0, namedLimit + 1);
}

/** Where a server is on a network; undefined if it does not serve that. */
export function addressesOn({ networks }: SiteServer, network: string): SiteServerAddresses | undefined {
  return networks.find((one) => one.network === network);
}

/** Where the MDB is beside the own server. */
export type OtherMdbs = { readonly temporary: readonly Endpoint[]; readonly permanent: readonly Endpoint[] };

/** No other server. */
export const noOtherMdbs: OtherMdbs = { temporary: [], permanent: [] };

/** The other servers of a network, in an order that lasts: a machine keeps the list. */
export function otherMdbsOf(
  servers: readonly SiteServer[],
  { own, network, nowMs }: { readonly own: SiteServer; readonly network: string; readonly nowMs: number },
): OtherMdbs {
  const ours = addressesOn(own, network);
  const named = servers
    .filter(({ aliveAtMs }) => isWithin(silentMs, aliveAtMs, nowMs))
    .flatMap((server) => addressesOn(server, network) ?? [])
    .filter(({ temporary, permanent }) => temporary !== ours?.temporary && permanent !== ours?.permanent)
    .slice(0, namedLimit);
  const endpoints = (texts: readonly string[]) => texts.flatMap((text) => parseEndpoint(text) ?? []);
  return {
    temporary: endpoints(named.map(({ temporary }) => temporary)),
    permanent: endpoints(named.map(({ permanent }) => permanent)),
  };
}
