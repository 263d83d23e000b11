import type { AddressPool } from "../dhcp/pool/address-pool.ts";
import { type Ipv4, isPrefixEdge, type Prefix, prefixContains } from "../net/ipv4.ts";

/** A network that the Boot Server serves, as the configuration file describes it: temporary and permanent addresses on one segment. */
export type Network = {
  readonly name: string;
  /** Name of the server's interface on it, e.g. `eth1`; a network has either this or `relay`. */
  readonly interface?: string;
  /** The server has no interface on the network: relay agents forward its requests. */
  readonly relay?: Relay;
  readonly serverAddress: Ipv4;
  readonly prefix: Prefix;
  readonly temporaryPool: AddressPool;
  /** Whether unknown machines are born on this network. */
  readonly nursery: boolean;
  /** Whether the disks of unknown machines hold nothing of value, so that a first birth may erase them. */
  readonly freshRack: boolean;
  /** Maximum number of unknown machines accepted per minute (newcomer-limit.ts). */
  readonly maxNewMachinesPerMinute: number;
  /** Whether its UEFI machines get the signed chain (shim, GRUB, Debian's kernel) instead of iPXE. */
  readonly secureBoot: boolean;
  /** With `secureBoot`: whose signature the programs have that its UEFI machines get. */
  readonly secureBootKey: "debian" | "own";
  /** The network of machines after their birth; `prefix` if absent. */
  readonly permanent?: PermanentPart;
  readonly mode: NetworkMode;
  /** Whether the network is served despite another DHCP server on it. */
  readonly allowForeignDhcp: boolean;
};

/** The signature of what UEFI machines get: none, Debian's, or that of the site's own key. */
export type Signature = "none" | Network["secureBootKey"];

/** The signature that the firmware of a network's machines asks for. */
export function signatureFor({ secureBoot, secureBootKey }: Network): Signature {
  return secureBoot ? secureBootKey : "none";
}

/**
 * How a network is served. `full`: the server leases the addresses. `proxy`: another DHCP server leases the addresses, and
 * this one only adds the boot file (ProxyDHCP of PXE 2.1). `listen`: nothing is answered; the answers are only logged.
 */
export type NetworkMode = "full" | "proxy" | "listen";

/** How a network without an interface of the server is reached. */
export type Relay = {
  /** Gateway through which machines reach the server while they have a temporary address. */
  readonly gateway: Ipv4;
  /** Addresses (giaddr) of relay agents outside the prefixes of the network. */
  readonly agents: readonly Ipv4[];
};

export type PermanentPart = {
  readonly prefix: Prefix;
  readonly serverAddress: Ipv4;
  readonly gateway?: Ipv4;
  readonly nameservers: readonly Ipv4[];
  /** The VLAN that carries it, tagged, on the cable of the NIC that boots; absent if it is untagged like the boot network. */
  readonly vlan?: number;
  readonly ipv6?: PermanentIpv6Part;
};

/** The IPv6 part of a permanent network, in the texts of RFC 5952. */
export type PermanentIpv6Part = {
  readonly prefix: string;
  readonly gateway?: string;
  readonly nameservers: readonly string[];
};

/** The network of machines after their birth. */
export function permanentPart(network: Network): PermanentPart {
  const { prefix, serverAddress, permanent, relay } = network;
  if (permanent !== undefined) return permanent;
  const part = { prefix, serverAddress, nameservers: [] };
  return relay === undefined ? part : { ...part, gateway: relay.gateway };
}

/** Whether an address is in one of the two parts of a network. */
export function networkContains(network: Network, address: Ipv4): boolean {
  return prefixContains(network.prefix, address) || prefixContains(permanentPart(network).prefix, address);
}

/** Whether an address cannot be a host's: the first or last address of a part of the network. */
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

/** The server's ports for machines: TCP, and UDP for log lines before TLS is up, if it takes them. */
export type ServerPorts = { readonly http: number; readonly machines: number; readonly log?: number };

/** An address for a machine, with the parameters of its part of the network. */
export type Binding = {
  readonly address: Ipv4;
  readonly prefix: Prefix;
  readonly server: Ipv4;
  readonly gateway?: Ipv4;
  readonly nameservers: readonly Ipv4[];
  readonly leaseSeconds: number;
};

/** A temporary address belongs to the record, not to the lease: the lease only determines how often a client renews. */
const temporaryLeaseSeconds = 3600;
const permanentLeaseSeconds = 86_400;

/** A temporary address with its parameters. A local network leads only to the server, so only a relayed one has a gateway. */
export function temporaryBinding(network: Network, address: Ipv4): Binding {
  const { prefix, serverAddress: server, relay } = network;
  const binding = { address, prefix, server, nameservers: [], leaseSeconds: temporaryLeaseSeconds };
  return relay === undefined ? binding : { ...binding, gateway: relay.gateway };
}

/** A permanent address with its parameters. */
export function permanentBinding(network: Network, address: Ipv4): Binding {
  const { prefix, serverAddress: server, gateway, nameservers } = permanentPart(network);
  const binding = { address, prefix, server, nameservers, leaseSeconds: permanentLeaseSeconds };
  return gateway === undefined ? binding : { ...binding, gateway };
}
