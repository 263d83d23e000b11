import type { Config } from "../../contract/config/schema.ts";
import { neighbourBy } from "../../core/lldp/neighbour.ts";
import { formatIpv4, formatPrefix, prefixBroadcast, prefixContains } from "../../core/net/ipv4.ts";
import { ipv6PrefixContains, parseIpv6, parseIpv6Prefix } from "../../core/net/ipv6.ts";
import { type Network, type PermanentPart, permanentPart } from "../../core/network/network.ts";
import { placeMachine } from "../../core/site/place.ts";
import type { Placement } from "../../core/site/placement.ts";

/**
 * Why a placement that init computed is invalid, as text; undefined if it is valid. The server computes it again,
 * because a machine gets only the name and address of its own switch port.
 */
export function placementFault(placement: Placement, network: Network, config: Config): string | undefined {
  const { switchName, port, lldp } = placement;
  const neighbour = neighbourBy(switchName, lldp ?? { portIdKind: "interfaceName", portId: port, portDescription: "" });
  if (neighbour.port !== port)
    return `slot ${switchName} ${port}: expected port ${neighbour.port} by the fields of LLDP, found ${port}`;
  const ours = placeMachine(config.placement.rules, neighbour);
  if (ours.kind === "unplaced") return ours.reason;
  const { hostname, address } = ours.placement;
  const dotted = formatIpv4(address);
  if (hostname !== placement.hostname || address !== placement.address) {
    return `slot ${switchName} ${port}: expected ${hostname} ${dotted}, found ${placement.hostname} ${formatIpv4(placement.address)}`;
  }
  const more = (["ipv6", "profile"] as const).find((key) => placement[key] !== ours.placement[key]);
  if (more !== undefined)
    return `slot ${switchName} ${port}: expected ${more} ${ours.placement[more] ?? "none"}, found ${placement[more] ?? "none"}`;
  const permanent = permanentPart(network);
  const inside = prefixContains(permanent.prefix, address);
  if (!inside || address === permanent.prefix.address || address === prefixBroadcast(permanent.prefix)) {
    return `address of ${hostname}: expected a host address in ${formatPrefix(permanent.prefix)} of network ${network.name}, found ${dotted}`;
  }
  const { first, last } = network.temporaryPool;
  const taken = [permanent.serverAddress, permanent.gateway, network.serverAddress, network.relay?.gateway].includes(
    address,
  );
  if (taken || (address >= first && address <= last)) {
    return `address of ${hostname}: expected an unused address, found ${dotted}, which ${taken ? "belongs to the server or gateway" : "is in the temporary pool"}`;
  }
  return ipv6Fault(placement, permanent, network.name);
}

/** Why an IPv6 address is none of the network; undefined if there is none, or if it is. */
function ipv6Fault({ hostname, ipv6 }: Placement, permanent: PermanentPart, network: string): string | undefined {
  if (ipv6 === undefined) return undefined;
  const prefix = permanent.ipv6 && parseIpv6Prefix(permanent.ipv6.prefix);
  const address = parseIpv6(ipv6);
  if (prefix !== undefined && address !== undefined && ipv6PrefixContains(prefix, address)) return undefined;
  const expected = permanent.ipv6 === undefined ? "permanent.ipv6" : `an address in ${permanent.ipv6.prefix}`;
  return `IPv6 address of ${hostname}: expected ${expected} of network ${network}, found ${ipv6}`;
}
