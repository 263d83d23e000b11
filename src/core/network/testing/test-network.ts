/** The networks of tests: what the configuration file would give, every default filled in. */

import { ip, prefix } from "../../net/testing/addresses.ts";
import type { Network } from "../network.ts";
import { defaultNewMachinesPerMinute } from "../newcomer-limit.ts";

/** `rack`, a nursery on 10.77.0.0/24 with the pool .50 to .250, machines of which live on 10.77.1.0/24 after their birth. */
export function testNetwork(changes: Partial<Network> = {}): Network {
  return {
    ...(changes.relay === undefined ? { interface: "rack0" } : {}),
    ...{
      name: "rack",
      serverAddress: ip("10.77.0.1"),
      prefix: prefix("10.77.0.0/24"),
      nursery: true,
      freshRack: false,
    },
    temporaryPool: { first: ip("10.77.0.50"), last: ip("10.77.0.250") },
    permanent: {
      ...{ prefix: prefix("10.77.1.0/24"), serverAddress: ip("10.77.1.1"), gateway: ip("10.77.1.1"), nameservers: [] },
    },
    ...{ mode: "full", secureBoot: false, secureBootKey: "debian", allowForeignDhcp: false },
    maxNewMachinesPerMinute: defaultNewMachinesPerMinute,
    ...changes,
  };
}

/** The same without a network of its own for the machines that are born: they stay on `prefix`. */
export function testNetworkOfOnePart(changes: Partial<Network> = {}): Network {
  const { permanent: _none, ...network } = testNetwork(changes);
  return network;
}
