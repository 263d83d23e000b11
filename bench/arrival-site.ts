import type { Config } from "../src/contract/config/schema.ts";
import { testConfig } from "../src/contract/config/testing/test-config.ts";

/** Addresses of the benchmark: the server, and the router behind which all machines are. */
export const server = { temporary: "10.0.0.1", permanent: "10.64.0.1", router: "10.0.0.254" } as const;
/** Every address in here belongs to the machines' end. */
export const pool = { first: "10.0.64.0", last: "10.0.127.255", prefix: "10.0.64.0/18" } as const;

/** The configuration of the server; nothing in it limits the arrival of a few thousand machines from one router. */
export function arrivalConfig(stateDirectory: string): Config {
  return testConfig({
    stateDirectory,
    networks: [
      {
        ...{ name: "racks", relay: { gateway: server.router }, serverAddress: server.temporary, prefix: "10.0.0.0/10" },
        ...{ temporaryPool: { first: pool.first, last: pool.last }, nursery: true, freshRack: true },
        maxNewMachinesPerMinute: 100_000,
        permanent: { prefix: "10.64.0.0/10", serverAddress: server.permanent, gateway: "10.64.0.254" },
      },
    ],
    placement: {
      rules: [
        {
          ...{ switch: "tor-(?<rack>\\d+)", port: "swp(?<unit>\\d+)", hostname: "r{rack:3}u{unit:2}" },
          address: { first: "10.64.1.0", step: { rack: 64, unit: 1 } },
        },
      ],
    },
    images: [{ image: "compute" }],
    maxRequestsPerMinute: 1_000_000,
    maxConnectionsPerAddress: 16_384,
  });
}
