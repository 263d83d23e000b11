import type { Ipv4 } from "../../core/net/ipv4.ts";
import type { Network } from "../../core/network/network.ts";
import type { Config } from "./schema.ts";

/** One fault in the configuration: the path of the key, what was expected there, and what was found. */
export type ConfigFault = { readonly path: string; readonly expected: string; readonly found: string };

/** The network whose temporary pool contains an address: such an address cannot be permanent. */
export function poolHolding(config: Config, address: Ipv4): Network | undefined {
  return config.networks.find(({ temporaryPool: pool }) => address >= pool.first && address <= pool.last);
}
