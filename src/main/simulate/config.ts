import { checkConfig, formatFault } from "../../contract/config/parse.ts";
import type { Config, ConfigInput } from "../../contract/config/schema.ts";
import { addToIpv4, formatIpv4, type Ipv4, parseIpv4 } from "../../core/net/ipv4.ts";
import { serverAddresses } from "../../core/network/network.ts";

const first = (text: string): Ipv4 => parseIpv4(text) ?? (0 as Ipv4);

/** Switch and port names that the rule of `siteConfig` matches. */
export const siteNames = { switchName: "tor-{rack}", portName: "swp{unit}" } as const;

/** The configuration of a site of one nursery with this many racks, as docs/design-target.md shows it. */
export function siteConfig(of: {
  readonly racks: number;
  readonly machines: number;
  readonly serverMbps: number;
  readonly servers: number;
}): Config {
  const step = 2 ** Math.ceil(Math.log2(of.machines + 2));
  const input: ConfigInput = {
    networks: [
      {
        ...{ name: "racks", relay: { gateway: "10.0.0.254" }, serverAddress: "10.0.0.1" },
        prefix: "10.0.0.0/10",
        temporaryPool: {
          first: "10.0.1.0",
          last: formatIpv4(addToIpv4(first("10.0.1.0"), 2 * of.racks * of.machines + 255)),
        },
        ...{ nursery: true, freshRack: true, maxNewMachinesPerMinute: Math.max(6000, 2 * of.racks * of.machines) },
        permanent: { prefix: "10.64.0.0/10", serverAddress: "10.64.0.1", gateway: "10.64.0.254" },
      },
    ],
    placement: {
      rules: [
        {
          ...{ switch: "tor-(?<rack>\\d+)", port: "swp(?<unit>\\d+)", hostname: "r{rack:3}u{unit:2}" },
          address: { first: "10.64.1.0", step: { rack: step, unit: 1 } },
        },
      ],
    },
    images: [{ image: "debug", when: { burnIn: "failed" } }, { image: "compute" }],
    uplinkMbps: of.serverMbps,
    ...(of.servers > 1 ? { database: "postgres://birther@database/birther" } : {}),
  };
  const result = checkConfig(input);
  if (result.kind === "config") return result.config;
  throw new Error(`the site's own configuration: ${result.faults.map(formatFault).join("; ")}`);
}

/** One configuration for each server: further servers have other addresses on each network. */
export function configsFor(config: Config, servers: number): readonly Config[] {
  return Array.from({ length: servers }, (_, nth) => ({
    ...config,
    networks: config.networks.map((network) => ({
      ...network,
      serverAddress: addToIpv4(network.serverAddress, nth),
      ...(network.permanent === undefined
        ? {}
        : { permanent: { ...network.permanent, serverAddress: addToIpv4(network.permanent.serverAddress, nth) } }),
    })),
  }));
}

/** Which server has an address. */
export function serverByAddress(configs: readonly Config[]): (address: string) => number | undefined {
  const servers = new Map<string, number>();
  for (const [nth, { networks }] of configs.entries())
    for (const network of networks)
      for (const address of serverAddresses(network)) servers.set(formatIpv4(address), nth);
  return (address) => servers.get(address);
}
