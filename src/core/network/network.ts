import type { AddressPool } from "../dhcp/pool/address-pool.ts";
import { type Ipv4, isPrefixEdge, type Prefix, prefixContains } from "../net/ipv4.ts";

/** A network that the Boot Server serves, as the configuration file describes it: temporary and permanent addresses on one wire. */
export type Network = {
  readonly name: string;
  /** Name of the server's interface on it, e.g. `eth1`; a network has either this or `relay`. */
  readonly interface?: string;
  /** We are not on that wire: relay agents bring its requests. */
  readonly relay?: Relay;
  readonly serverAddress: Ipv4;
  readonly prefix: Prefix;
  readonly temporaryPool: AddressPool;
  /** Whether an unknown machine that boots here is to be born. */
  readonly nursery: boolean;
  /** Whether the disks of machines that the MDB has never seen hold nothing of value: their birth may erase them unasked. */
  readonly freshRack: boolean;
  /** Unknown machines taken in per minute (newcomers.ts). */
  readonly maxNewMachinesPerMinute: number;
  /** Whether its UEFI machines are sent the signed chain (shim, GRUB, Debian's kernel) instead of iPXE. */
  readonly secureBoot: boolean;
  /** Where machines live after their birth; without it in `prefix` itself. */
  readonly permanent?: PermanentPart;
  readonly mode: NetworkMode;
  /** Whether it is served although another DHCP server is on its wire. */
  readonly allowForeignDhcp: boolean;
};

/**
 * How a network is served. `full`: we lease the addresses. `proxy`: another DHCP server does, and we only name the boot
 * file (ProxyDHCP of PXE 2.1). `listen`: nothing is answered; what would have been is told.
 */
export type NetworkMode = "full" | "proxy" | "listen";

/** How a network is reached that we have no interface on. */
export type Relay = {
  /** The machines' way to us while they have a temporary address. */
  readonly gateway: Ipv4;
  /** Addresses (giaddr) of relay agents that lie outside of the network's own prefixes. */
  readonly agents: readonly Ipv4[];
};

export type PermanentPart = {
  readonly prefix: Prefix;
  readonly serverAddress: Ipv4;
  readonly gateway?: Ipv4;
  readonly nameservers: readonly Ipv4[];
};

/** Where a network's machines live after their birth. */
export function permanentPart(network: Network): PermanentPart {
  const { prefix, serverAddress, permanent, relay } = network;
  if (permanent !== undefined) return permanent;
  const part = { prefix, serverAddress, nameservers: [] };
  return relay === undefined ? part : { ...part, gateway: relay.gateway };
}

/** Whether an address lies in one of the two parts of a network. */
export function networkContains(network: Network, address: Ipv4): boolean {
  return prefixContains(network.prefix, address) || prefixContains(permanentPart(network).prefix, address);
}

/** Whether an address is one that no host of a network has: the first or last of one of its parts. */
export function isNetworkEdge(network: Network, address: Ipv4): boolean {
  return isPrefixEdge(network.prefix, address) || isPrefixEdge(permanentPart(network).prefix, address);
}

/** Whether an address is one of the server's own on a network. */
export function isServerAddress(network: Network, address: Ipv4): boolean {
  return address === network.serverAddress || address === permanentPart(network).serverAddress;
}

/** The server's own addresses on a network, each once. */
export function serverAddresses(network: Network): readonly Ipv4[] {
  return [...new Set([network.serverAddress, permanentPart(network).serverAddress])];
}

/** The TCP ports that machines are sent to, on the server's addresses. */
export type ServerPorts = { readonly http: number; readonly machines: number };

/** An address for a machine, and what goes with it on the network part it belongs to. */
export type Binding = {
  readonly address: Ipv4;
  readonly prefix: Prefix;
  readonly server: Ipv4;
  readonly gateway?: Ipv4;
  readonly nameservers: readonly Ipv4[];
  readonly leaseSeconds: number;
};

/** Temporary addresses belong to the record, not to the lease: the lease only says how often a client asks again. */
const temporaryLeaseSeconds = 3600;
const permanentLeaseSeconds = 86_400;

/** A temporary address with what belongs to it. The private network leads nowhere but to us, so only a relayed one has a gateway. */
export function temporaryBinding(network: Network, address: Ipv4): Binding {
  const { prefix, serverAddress: server, relay } = network;
  const binding = { address, prefix, server, nameservers: [], leaseSeconds: temporaryLeaseSeconds };
  return relay === undefined ? binding : { ...binding, gateway: relay.gateway };
}

/** A permanent address with what belongs to it. */
export function permanentBinding(network: Network, address: Ipv4): Binding {
  const { prefix, serverAddress: server, gateway, nameservers } = permanentPart(network);
  const binding = { address, prefix, server, nameservers, leaseSeconds: permanentLeaseSeconds };
  return gateway === undefined ? binding : { ...binding, gateway };
}
