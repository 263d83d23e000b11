import type { AddressPool } from "../dhcp/address-pool.ts";
import type { Ipv4, Prefix } from "../net/ipv4.ts";

/** A network that the Boot Server serves, as the configuration file describes it: temporary and permanent addresses on one wire. */
export type Network = {
  readonly name: string;
  /** Name of the server's interface on it, e.g. `eth1`. */
  readonly interface: string;
  readonly serverAddress: Ipv4;
  readonly prefix: Prefix;
  readonly temporaryPool: AddressPool;
  /** Whether an unknown machine that boots here is to be born. */
  readonly nursery: boolean;
  /** Whether its UEFI machines are sent the signed chain (shim, GRUB, Debian's kernel) instead of iPXE. */
  readonly secureBoot?: boolean;
  /** Where machines live after their birth; without it in `prefix` itself. */
  readonly permanent?: PermanentPart;
};

export type PermanentPart = {
  readonly prefix: Prefix;
  readonly serverAddress: Ipv4;
  readonly gateway?: Ipv4;
  readonly nameservers: readonly Ipv4[];
};

/** Where a network's machines live after their birth. */
export function permanentPart(network: Network): PermanentPart {
  const { prefix, serverAddress, permanent } = network;
  return permanent ?? { prefix, serverAddress, nameservers: [] };
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

/** A temporary address with what belongs to it. The private network leads nowhere, so there is no gateway. */
export function temporaryBinding(network: Network, address: Ipv4): Binding {
  const { prefix, serverAddress: server } = network;
  return { address, prefix, server, nameservers: [], leaseSeconds: temporaryLeaseSeconds };
}

/** A permanent address with what belongs to it. */
export function permanentBinding(network: Network, address: Ipv4): Binding {
  const { prefix, serverAddress, gateway, nameservers } = permanentPart(network);
  return {
    ...{ address, prefix, server: serverAddress, nameservers, leaseSeconds: permanentLeaseSeconds },
    ...(gateway === undefined ? {} : { gateway }),
  };
}
