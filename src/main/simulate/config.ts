import { checkConfig, formatFault } from "../../contract/config/parse.ts";
import type { Config, ConfigInput } from "../../contract/config/schema.ts";
import { addToIpv4, formatIpv4, type Ipv4, parseIpv4 } from "../../core/net/ipv4.ts";
import { type Network, permanentPart, serverAddresses } from "../../core/network/network.ts";
import { slotsNamed } from "../../fleet/scenario.ts";

const first = (text: string): Ipv4 => parseIpv4(text) ?? (0 as Ipv4);

/** Switch and port names that the rule of `siteConfig` matches. */
export const defaultNames = { switch: "tor-{rack}", port: "swp{unit}" } as const;
/** The slots with these names. */
export const siteNames = { slotOf: slotsNamed(defaultNames.switch, defaultNames.port) } as const;

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

/**
 * One configuration for each server: further servers have the next addresses on each network that the configuration uses for
 * nothing else.
 */
export function configsFor(config: Config, servers: number): readonly Config[] {
  const used = (address: Ipv4) => isUsed(config.networks, address);
  return Array.from({ length: servers }, (_, nth) => ({
    ...config,
    networks: config.networks.map((network) => ({
      ...network,
      serverAddress: addressAfter(network.serverAddress, nth, used),
      ...(network.permanent === undefined
        ? {}
        : {
            permanent: {
              ...network.permanent,
              serverAddress: addressAfter(network.permanent.serverAddress, nth, used),
            },
          }),
    })),
  }));
}

/** The n-th address after one that nothing uses. */
function addressAfter(address: Ipv4, nth: number, used: (address: Ipv4) => boolean): Ipv4 {
  let found = address;
  for (let left = nth; left > 0; ) {
    found = addToIpv4(found, 1);
    if (!used(found)) left -= 1;
  }
  return found;
}

function isUsed(networks: readonly Network[], address: Ipv4): boolean {
  return networks.some((network) => {
    const { relay, temporaryPool, serverAddress } = network;
    if (address >= temporaryPool.first && address <= temporaryPool.last) return true;
    const permanent = permanentPart(network);
    return [relay?.gateway, permanent.gateway, serverAddress, permanent.serverAddress].includes(address);
  });
}

/** Which server has an address. */
export function serverByAddress(configs: readonly Config[]): (address: string) => number | undefined {
  const servers = new Map<string, number>();
  for (const [nth, { networks }] of configs.entries())
    for (const network of networks)
      for (const address of serverAddresses(network)) servers.set(formatIpv4(address), nth);
  return (address) => servers.get(address);
}
