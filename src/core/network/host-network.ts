import { formatIpv4, type Ipv4 } from "../net/ipv4.ts";
import { type Network, permanentPart } from "./network.ts";

/** What the computer that we run on has: names of its interfaces, and its addresses. */
export type HostNetwork = { readonly interfaces: ReadonlySet<string>; readonly addresses: ReadonlySet<Ipv4> };

/** An address of this computer, and the length of the prefix that it lies in. */
type OwnAddress = { readonly address: Ipv4; readonly prefixLength: number; readonly vlan?: number };

/** The addresses that this computer must have for a network: on the boot part, and on the permanent part. */
export function ownAddresses(network: Network): readonly OwnAddress[] {
  const permanent = permanentPart(network);
  const boot = { address: network.serverAddress, prefixLength: network.prefix.length };
  if (permanent.serverAddress === boot.address) return [boot];
  const { serverAddress: address, prefix, vlan } = permanent;
  return [boot, { address, prefixLength: prefix.length, ...(vlan === undefined ? {} : { vlan }) }];
}

/** What the computer lacks for these networks, a sentence each, with the command that helps. Empty: nothing. */
export function missingOnHost(networks: readonly Network[], host: HostNetwork): readonly string[] {
  return networks.flatMap((network) => {
    const { name, interface: device } = network;
    if (device !== undefined && !host.interfaces.has(device))
      return [`network ${name}: expected an interface ${device}, found none; run ip link to list the interfaces`];
    return ownAddresses(network)
      .filter(({ address }) => !host.addresses.has(address))
      .map(({ address, prefixLength, vlan }) => {
        const text = formatIpv4(address);
        const remedy =
          device === undefined
            ? "choose an address that ip addr lists"
            : vlan === undefined
              ? `ip addr add ${text}/${prefixLength} dev ${device}`
              : `ip link add link ${device} name ${device}.${vlan} type vlan id ${vlan} && ` +
                `ip addr add ${text}/${prefixLength} dev ${device}.${vlan} && ip link set ${device}.${vlan} up`;
        return `network ${name}: expected ${text} on this computer, found no such address; ${remedy}`;
      });
  });
}
