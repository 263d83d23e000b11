import { parseIpv4 } from "../../core/net/ipv4.ts";
import type { Config, Network } from "./schema.ts";

/** One thing that is wrong: where, what stood there, and what was meant to stand there. */
export type ConfigFault = { readonly path: string; readonly found: string; readonly meant: string };

/** Where the machines of a network live after their birth: the permanent network, or the network itself. */
export function permanentOf(network: Network): NonNullable<Network["permanent"]> {
  const { prefix, serverAddress, permanent, relay } = network;
  return (
    permanent ?? { prefix, serverAddress, nameservers: [], ...(relay === undefined ? {} : { gateway: relay.gateway }) }
  );
}

/** Whether an address is in the temporary pool of some network: such a one can be nobody's permanent address. */
export function poolHolding(config: Config, dotted: string): Network | undefined {
  const address = parseIpv4(dotted);
  if (address === undefined) return undefined;
  return config.networks.find(({ temporaryPool: pool }) => address >= pool.first && address <= pool.last);
}
