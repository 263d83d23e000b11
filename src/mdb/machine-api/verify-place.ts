import type { Config } from "../../contract/config/schema.ts";
import { formatPrefix, parseIpv4, prefixBroadcast, prefixContains } from "../../core/net/ipv4.ts";
import { type Network, permanentPart } from "../../core/network/network.ts";
import { placeMachine } from "../../core/site/place.ts";
import type { Placement } from "../../core/site/placement.ts";

/**
 * Why a placement that init computed is invalid, as text; undefined if it is valid. The server computes it again,
 * because a machine gets only the name and address of its own switch port.
 */
export function placementFault(placement: Placement, network: Network, config: Config): string | undefined {
  const { switchName, port } = placement;
  const ours = placeMachine(config.placement.rules, { switchName, port });
  if (ours.kind === "unplaced") return ours.reason;
  const { hostname, address } = ours.placement;
  if (hostname !== placement.hostname || address !== placement.address) {
    return `slot ${switchName} ${port}: expected ${hostname} ${address}, found ${placement.hostname} ${placement.address}`;
  }
  const permanent = permanentPart(network);
  const parsed = parseIpv4(address);
  const inside = parsed !== undefined && prefixContains(permanent.prefix, parsed);
  if (!inside || parsed === permanent.prefix.address || parsed === prefixBroadcast(permanent.prefix)) {
    return `address of ${hostname}: expected a host address in ${formatPrefix(permanent.prefix)} of network ${network.name}, found ${address}`;
  }
  const { first, last } = network.temporaryPool;
  const taken = [permanent.serverAddress, permanent.gateway, network.serverAddress, network.relay?.gateway].includes(
    parsed,
  );
  if (taken || (parsed >= first && parsed <= last)) {
    return `address of ${hostname}: expected an unused address, found ${address}, which ${taken ? "belongs to the server or gateway" : "is in the temporary pool"}`;
  }
  return undefined;
}
