import type { Config } from "../src/contract/config/schema.ts";
import { testConfig } from "../src/contract/config/testing/test-config.ts";
import { addToIpv4, formatIpv4, type Ipv4, parseIpv4 } from "../src/core/net/ipv4.ts";
import { configsFor } from "../src/main/simulate/config.ts";

/** The router behind which all machines are: their relay. */
export const router = "10.0.0.254";
export const perRack = 40;

/** Where a server listens: the n-th has the n-th address of each part of the network. */
export type ServerAt = { readonly temporary: string; readonly permanent: string };

export function serverAt(nth: number): ServerAt {
  return { temporary: `10.0.0.${nth + 1}`, permanent: `10.64.0.${nth + 1}` };
}

/** Every address in these belongs to the machines' end: the pool, and their permanent addresses, without four thousand entries. */
export const machinePrefixes = [
  "10.0.64.0/18",
  ...["10.64.1.0/24", "10.64.2.0/23", "10.64.4.0/22", "10.64.8.0/21", "10.64.16.0/20", "10.64.32.0/19"],
];
const firstPermanent = "10.64.1.0";
const step = { rack: 64, unit: 1 };

/** The permanent address that the placement rule gives to the n-th machine. */
export function permanentAddressOf(nth: number): string {
  const offset = step.rack * (Math.floor(nth / perRack) + 1) + step.unit * ((nth % perRack) + 1);
  return formatIpv4(addToIpv4(parseIpv4(firstPermanent) ?? (0 as Ipv4), offset));
}

/** The configuration of the n-th server; beside the rate of new machines, all limits are those of every site. */
export function arrivalConfig(of: {
  readonly stateDirectory: string;
  readonly nth: number;
  readonly database?: string;
}): Config {
  const { stateDirectory, nth, database } = of;
  const first = serverAt(0);
  const config = testConfig({
    stateDirectory,
    // Both servers run on this computer; operators use their sockets.
    operators: { addresses: [] },
    ...(database === undefined ? {} : { database }),
    networks: [
      {
        ...{ name: "racks", relay: { gateway: router }, serverAddress: first.temporary, prefix: "10.0.0.0/10" },
        temporaryPool: { first: "10.0.64.0", last: "10.0.127.255" },
        ...{ nursery: true, freshRack: true, maxNewMachinesPerMinute: 100_000 },
        permanent: { prefix: "10.64.0.0/10", serverAddress: first.permanent, gateway: "10.64.0.254" },
      },
    ],
    placement: {
      rules: [
        {
          ...{ switch: "tor-(?<rack>\\d+)", port: "swp(?<unit>\\d+)", hostname: "r{rack:3}u{unit:2}" },
          address: { first: firstPermanent, step },
        },
      ],
    },
    images: [{ image: "compute" }],
  });
  return configsFor(config, nth + 1)[nth] ?? config;
}
