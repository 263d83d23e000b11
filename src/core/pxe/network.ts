import type { AddressPool } from "../dhcp/address-pool.ts";
import type { Ipv4, Prefix } from "../net/ipv4.ts";

/** A network that the Boot Server serves: the temporary private one and the permanent one lie on the same wire. */
export type Network = {
  readonly name: string;
  /** Name of the server's interface on it, e.g. `eth1`. */
  readonly interface: string;
  readonly serverAddress: Ipv4;
  readonly prefix: Prefix;
  readonly temporaryPool: AddressPool;
  /** Whether an unknown machine that boots here is to be born. */
  readonly nursery: boolean;
  readonly permanent: {
    readonly prefix: Prefix;
    readonly serverAddress: Ipv4;
    readonly gateway?: Ipv4;
    readonly nameservers: readonly Ipv4[];
  };
};

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
  const { prefix, serverAddress, gateway, nameservers } = network.permanent;
  return {
    ...{ address, prefix, server: serverAddress, nameservers, leaseSeconds: permanentLeaseSeconds },
    ...(gateway === undefined ? {} : { gateway }),
  };
}
