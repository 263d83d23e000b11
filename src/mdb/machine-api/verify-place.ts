import type { Config } from "../../contract/config/schema.ts";
import { neighbourBy } from "../../core/lldp/neighbour.ts";
import type { Machine } from "../../core/machine/record.ts";
import { formatIpv4, formatPrefix, prefixBroadcast, prefixContains } from "../../core/net/ipv4.ts";
import { ipv6PrefixContains, parseIpv6, parseIpv6Prefix } from "../../core/net/ipv6.ts";
import { type Network, type PermanentPart, permanentPart } from "../../core/network/network.ts";
import { type PlaceEvidence, placeFrom, sourceNames } from "../../core/site/place-sources.ts";
import type { Placement } from "../../core/site/placement.ts";
import { operatorPlaceOf } from "./make-order.ts";

/**
 * Why a placement that init computed is invalid, as text; undefined if it is valid. The server computes it again,
 * because a machine gets only the name and address of its own switch port.
 */
export function placementFault(
  placement: Placement,
  machine: Machine,
  { network, config }: { readonly network: Network; readonly config: Config },
): string | undefined {
  const { switchName, port } = placement;
  const evidence = evidenceFor(placement, machine);
  const { source = "lldp" } = placement;
  const ours = placeFrom(source, config.placement.rules, evidence);
  if (ours === undefined)
    return `slot ${switchName} ${port}: expected a source that names it, found ${sourceNames[source]} without a word`;
  if (ours.kind === "unplaced") return ours.reason;
  const { switchName: ourSwitch, port: ourPort } = ours.placement;
  if (ourPort !== port || ourSwitch !== switchName)
    return `slot ${switchName} ${port}: expected ${ourSwitch} ${ourPort} by ${sourceNames[source]}, found ${switchName} ${port}`;
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

/**
 * What the source of a place says: what a relay or an operator said stands on our record; for LLDP and the enclosure the
 * machine has only its own word.
 */
function evidenceFor({ switchName, port, lldp, source }: Placement, machine: Machine): PlaceEvidence {
  const relay = machine.relay === undefined ? {} : { relay: machine.relay };
  const operator = operatorPlaceOf(machine);
  const fields = lldp ?? { portIdKind: "interfaceName", portId: port, portDescription: "" };
  return {
    neighbours: source === undefined ? [neighbourBy(switchName, fields)] : [],
    ...relay,
    ...(operator === undefined ? {} : { operator }),
    ...(source === "chassis" ? { chassis: { serial: switchName, slot: port } } : {}),
  };
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
